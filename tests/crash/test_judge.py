"""The judge of the crash test sees what it is there to see; no gateway runs here."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from random import Random

import pytest

from gateway.sandbox import Customer, Mail, Sandbox
from gateway.sandbox.shopify.records import Consent
from tests.crash.held import Verdict
from tests.crash.judge import judge, links_astray
from tests.crash.lives import Life
from tests.crash.people import LAST_NAMES, Person, people
from tests.crash.storefront import Told

_ID = 7000000000001


def _mail(person: Person, message_id: str) -> Mail:
    return Mail(0.0, "shop@example.com", (person.email,), f"Message-ID: {message_id}".encode())


def _somebody() -> Person:
    return next(p for p in people(100, Random(1)) if not p.corrects and not p.is_member)


def _told() -> Told:
    return Told([{"shopify_customer_id": f"gid://shopify/Customer/{_ID}"}])


def _add_customer(sandbox: Sandbox, person: Person, customer_id: int = _ID) -> None:
    customer = Customer(customer_id, 0.0, 0.0, email=person.email)
    customer.first_name = person.body["first_name"]
    customer.last_name = person.body["last_name"]
    consent = "SUBSCRIBED" if person.body["accepts_marketing"] else "NOT_SUBSCRIBED"
    customer.consent = Consent(consent)
    sandbox.shopify.customers[customer_id] = customer
    birth = {"namespace": "facts", "key": "birth_date", "type": "date"}
    sandbox.shopify.store.set_metafield(customer, birth | {"value": person.body["birth_date"]})


def _as_member(person: Person) -> dict[str, str]:
    body = person.body
    return {
        "lastName": body["last_name"],
        "firstName": body["first_name"],
        "birthDate": body["birth_date"],
        "mailReceiveFlag": str(int(body["accepts_marketing"])),
        "mailAddress": person.email,
        "customerCode": str(_ID),
    }


def _as_contact(person: Person) -> dict[str, str]:
    body = person.body
    return {
        "lastname": body["last_name"],
        "firstname": body["first_name"],
        "date_of_birth": body["birth_date"],
        "accepts_marketing": str(body["accepts_marketing"]).lower(),
        "email": person.email,
        "shopify_customer_id": str(_ID),
    }


async def _served(person: Person) -> Sandbox:
    """One person, known everywhere as they should be."""
    sandbox = Sandbox()
    _add_customer(sandbox, person)
    sandbox.smaregi.add(**_as_member(person))
    for name in ("shopify_customer_id", "accepts_marketing"):
        sandbox.hubspot.add_property(name, unique=False)
    sandbox.hubspot.add(**_as_contact(person))
    sandbox.mail.messages.append(_mail(person, "<one@example.com>"))
    return sandbox


async def test_what_is_there_once_is_right() -> None:
    person = _somebody()
    verdict = judge(await _served(person), [person], {person.number: _told()})
    assert verdict.wrong == []


def _forget_customer(sandbox: Sandbox, person: Person) -> None:
    sandbox.shopify.customers.clear()


def _forget_member(sandbox: Sandbox, person: Person) -> None:
    sandbox.smaregi.remove(1)


def _forget_contact(sandbox: Sandbox, person: Person) -> None:
    sandbox.hubspot.contacts.clear()


def _forget_mail(sandbox: Sandbox, person: Person) -> None:
    sandbox.mail.messages.clear()


def _second_customer(sandbox: Sandbox, person: Person) -> None:
    _add_customer(sandbox, person, _ID + 1)


def _second_member(sandbox: Sandbox, person: Person) -> None:
    sandbox.smaregi.add(lastName="鰐淵", firstName="権八郎", mailAddress=person.email)


def _second_contact(sandbox: Sandbox, person: Person) -> None:
    sandbox.hubspot.add(email="other@example.com", shopify_customer_id=str(_ID))


def _other_message_id(sandbox: Sandbox, person: Person) -> None:
    sandbox.mail.messages.append(_mail(person, "<two@example.com>"))


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (_forget_customer, "lost"),
        (_forget_member, "undelivered"),
        (_forget_contact, "undelivered"),
        (_forget_mail, "undelivered"),
        (_second_customer, "duplicate customers"),
        (_second_member, "duplicate members"),
        (_second_contact, "duplicate contacts"),
        (_other_message_id, "mails of two ids"),
    ],
)
async def test_what_is_missing_or_there_twice_is_named(
    damage: Callable[[Sandbox, Person], None], kind: str
) -> None:
    person = _somebody()
    sandbox = await _served(person)
    damage(sandbox, person)
    verdict = judge(sandbox, [person], {person.number: _told()})
    assert verdict.counts[kind] == 1, verdict.wrong


def _lived(person: Person, **wanted: object) -> Life:
    return Life(proven=True, wanted=dict(wanted))


def _verdict(sandbox: Sandbox, person: Person, life: Life) -> Verdict:
    return judge(sandbox, [person], {person.number: _told()}, {person.number: life})


def _new_name(sandbox: Sandbox) -> None:
    """Staff's, everywhere."""
    sandbox.shopify.customers[_ID].last_name = LAST_NAMES[0]
    sandbox.smaregi.edit(1, lastName=LAST_NAMES[0])
    next(iter(sandbox.hubspot.contacts.values())).properties["lastname"] = LAST_NAMES[0]


def _stale(system: str) -> Callable[[Sandbox, Person], None]:
    """One system has the name from before."""

    def damage(sandbox: Sandbox, person: Person) -> None:
        older = person.body["last_name"]
        match system:
            case "Shopify":
                sandbox.shopify.customers[_ID].last_name = older
            case "Smaregi":
                sandbox.smaregi.edit(1, lastName=older)
            case _:
                next(iter(sandbox.hubspot.contacts.values())).properties["lastname"] = older

    return damage


async def test_the_newest_word_everywhere_is_right() -> None:
    person = _somebody()
    sandbox = await _served(person)
    _new_name(sandbox)
    assert _verdict(sandbox, person, _lived(person, last_name=LAST_NAMES[0])).wrong == []


@pytest.mark.parametrize("system", ["Shopify", "Smaregi", "HubSpot"])
async def test_a_system_that_does_not_have_the_newest_word_is_named(system: str) -> None:
    person = _somebody()
    sandbox = await _served(person)
    _new_name(sandbox)
    _stale(system)(sandbox, person)
    verdict = _verdict(sandbox, person, _lived(person, last_name=LAST_NAMES[0]))
    assert verdict.counts["old data"] == 1, verdict.wrong
    assert system in verdict.wrong[0]


@pytest.mark.parametrize("wish", [True, False])
async def test_a_wish_that_no_system_has_heard_of_is_named_for_each(wish: bool) -> None:
    person = next(
        p for p in people(100, Random(1)) if p.body["accepts_marketing"] != wish and not p.corrects
    )
    verdict = _verdict(await _served(person), person, _lived(person, accepts_marketing=wish))
    assert verdict.counts["wishes not heeded"] == 3, verdict.wrong


async def test_records_that_a_deleted_customer_leaves_behind_are_named() -> None:
    person = _somebody()
    sandbox = await _served(person)
    del sandbox.shopify.customers[_ID]
    life = Life(proven=True, left={_ID})
    verdict = _verdict(sandbox, person, life)
    assert verdict.counts["lost"] == 0
    assert verdict.counts["records of nobody"] == 2, verdict.wrong


async def test_a_deletion_that_nobody_asked_for_is_a_loss() -> None:
    person = _somebody()
    sandbox = await _served(person)
    del sandbox.shopify.customers[_ID]
    assert _verdict(sandbox, person, _lived(person)).counts["lost"] == 1


@pytest.mark.parametrize("damaged", [False, True])
async def test_who_was_told_to_be_registered_is(damaged: bool) -> None:
    person = _somebody()
    sandbox = await _served(person)
    if damaged:
        _forget_customer(sandbox, person)
    verdict = judge(sandbox, [person], {person.number: Told(corrected=True, overtaken=True)})
    assert verdict.counts["lost"] == damaged, verdict.wrong


async def test_two_mails_of_two_ids_are_right_for_whoever_came_back_alone() -> None:
    person = _somebody()
    sandbox = await _served(person)
    _other_message_id(sandbox, person)
    life = Life(proven=True, returned=True)
    assert _verdict(sandbox, person, life).counts["mails of two ids"] == 0
    assert _verdict(sandbox, person, _lived(person)).counts["mails of two ids"] == 1


async def test_a_link_that_the_records_contradict_is_named() -> None:
    sandbox = await _served(_somebody())
    contact = next(iter(sandbox.hubspot.contacts))
    rows = [("smaregi", _ID, "1"), ("crm", _ID, str(contact)), ("email", _ID, "of nobody")]
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE links (channel, customer_id, reference)")
        db.executemany("INSERT INTO links VALUES (?, ?, ?)", rows)
        assert links_astray(db, sandbox) == []
        db.execute("INSERT INTO links VALUES ('smaregi', 7000000000002, '1')")
        db.execute("INSERT INTO links VALUES ('crm', 7000000000003, '999')")
        assert len(links_astray(db, sandbox)) == 2


async def test_the_member_of_who_was_merged_is_for_a_person_the_contact_is_not() -> None:
    person = _somebody()
    sandbox = await _served(person)
    del sandbox.shopify.customers[_ID]
    life = Life(proven=True, left={_ID}, merged=True, absorbed=_ID)
    verdict = _verdict(sandbox, person, life)
    assert verdict.counts["records of nobody"] == 1, verdict.wrong
    assert "contact" in verdict.wrong[0]
