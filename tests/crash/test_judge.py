"""The judge of the crash test sees what it is there to see; no gateway runs here."""

from collections.abc import Callable
from email.message import EmailMessage
from random import Random

import pytest

from gateway.sandbox import Customer, Mail, Sandbox
from tests.crash.judge import judge
from tests.crash.people import Person, people
from tests.crash.storefront import Told

_ID = 7000000000001


def _mail(person: Person, message_id: str) -> Mail:
    message = EmailMessage()
    message["Message-ID"] = message_id
    return Mail(0.0, "shop@example.com", (person.email,), message)


def _somebody() -> Person:
    return next(p for p in people(100, Random(1)) if not p.corrects)


def _told() -> Told:
    return Told([{"shopify_customer_id": f"gid://shopify/Customer/{_ID}"}])


def _add_customer(sandbox: Sandbox, person: Person, customer_id: int = _ID) -> None:
    customer = Customer(customer_id, 0.0, 0.0, email=person.email)
    customer.first_name = person.body["first_name"]
    sandbox.shopify.customers[customer_id] = customer


async def _served(person: Person) -> Sandbox:
    """One person, known everywhere as they should be."""
    sandbox = Sandbox()
    _add_customer(sandbox, person)
    row = {"lastName": "鰐淵", "firstName": "権八郎", "mailAddress": person.email}
    sandbox.smaregi.add(customerCode=str(_ID), customerNo=person.old_number, **row)
    sandbox.hubspot.add_property("shopify_customer_id", unique=False)
    sandbox.hubspot.add(email=person.email, shopify_customer_id=str(_ID))
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
