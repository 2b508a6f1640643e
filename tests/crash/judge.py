"""The verdict, by what the stand-ins hold.

Our database is only asked for what it must not hold, and whom it takes for whom.
"""

import sqlite3
from collections.abc import Iterable, Mapping

from gateway.sandbox import Customer, Sandbox
from tests.crash.held import Held, Verdict
from tests.crash.lives import Life
from tests.crash.people import Person
from tests.crash.standing import nobodys, stands
from tests.crash.storefront import Told

__all__ = ["judge", "links_astray", "open_intents"]


def judge(
    sandbox: Sandbox,
    everybody: Iterable[Person],
    told: Mapping[int, Told],
    lives: Mapping[int, Life] | None = None,
) -> Verdict:
    verdict, held, lives = Verdict(), Held(sandbox), lives or {}
    people = {person.email: person for person in everybody}
    merged = {p.email for p in people.values() if p.number in lives and lives[p.number].merged}
    back = {p.email for p in people.values() if p.number in lives and lives[p.number].returned}
    _once(held, merged, back, verdict)
    for email in held.customers.keys() - people.keys():
        verdict.blame("duplicate customers", f"nobody signed up as {email}")
    for person in people.values():
        life = lives.get(person.number) or Life(proven=person.body["email_verified"])
        _person(person, told.get(person.number, Told()), life, held, verdict)
    nobodys(held, [life.absorbed for life in lives.values()], verdict)
    return verdict


def _person(person: Person, told: Told, life: Life, held: Held, verdict: Verdict) -> None:
    customers = held.customers.get(person.email, [])
    _heard(person, told, life, customers, verdict)
    for customer in customers:
        _delivered(person, life, customer, held, verdict)
        if told.answers:
            body = person.corrected if told.corrected else person.body
            names = ("first_name", "last_name", "birth_date", "accepts_marketing")
            wanted = {name: body[name] for name in names} | life.wanted
            stands(person, life, wanted, customer, held, verdict)


def _once(held: Held, merged: set[str], back: set[str], verdict: Verdict) -> None:
    """A survivor may have a store card beside the other's; who came back has two welcomes."""
    for kind, many in (
        ("duplicate customers", held.customers),
        ("duplicate members", held.members),
        ("duplicate members", held.codes),
        ("duplicate contacts", held.contacts),
        ("duplicate contacts", held.contact_numbers),
    ):
        for key, records in many.items():
            if len(records) > 1 and not (many is held.members and key in merged):
                verdict.blame(kind, f"{key} has {len(records)}")
    for recipient, ids in held.mails.items():
        verdict.counts["mails sent twice"] += len(ids) - 1
        if len(set(ids)) > 1 + (recipient in back):
            verdict.blame("mails of two ids", recipient)


def _heard(
    person: Person, told: Told, life: Life, customers: list[Customer], verdict: Verdict
) -> None:
    """What was told stands."""
    who = f"person {person.number}"
    for refusal in told.refused[:1]:
        verdict.blame("turned away", f"{who}: {refusal}")
    if told.overtaken and not customers:
        verdict.blame("lost", f"{who} was told to be registered, Shopify has nobody")
    if not told.answers:
        return
    held = {customer.gid for customer in customers}
    due = told.customers - {f"gid://shopify/Customer/{each}" for each in life.left}
    if due != held:
        verdict.blame("lost", f"{who} was told of {due}, Shopify has {held}")


def _delivered(
    person: Person, life: Life, customer: Customer, held: Held, verdict: Verdict
) -> None:
    """A customer whom Shopify has is known everywhere, whether or not anybody was told."""
    number, who = str(customer.id), f"person {person.number} (customer {customer.id})"
    members = held.codes.get(number, [])
    theirs = held.members.get(person.email, [])
    if not members:
        verdict.blame("undelivered", f"{who} is no member")
    elif members != theirs and not life.merged:  # a survivor's may be the other's, with its e-mail
        verdict.blame("wrongly linked", f"{who}: the member is somebody else's")
    elif person.is_member and not life.merged and not _keeps_card(held, members[0], person):
        verdict.blame("wrongly linked", f"{who}: the old number is not there once")
    contacts = held.contact_numbers.get(number, [])
    if not contacts:
        verdict.blame("undelivered", f"{who} is no contact")
    elif contacts != held.contacts.get(person.email):
        verdict.blame("wrongly linked", f"{who}: the contact is somebody else's")
    if person.email not in held.mails:
        verdict.blame("undelivered", f"{who} got no mail")


def _keeps_card(held: Held, member: int, person: Person) -> bool:
    """The old number is in `customerNo` or in a line of the note, once."""
    row = held.rows[member]
    in_note = (row["note"] or "").count(person.old_number)
    return (row["customerNo"] == person.old_number) + in_note == 1


def open_intents(db: sqlite3.Connection) -> int:
    """Read after the gateway has ended."""
    (count,) = db.execute("SELECT count(*) FROM intents").fetchone()
    return int(count)


def links_astray(db: sqlite3.Connection, sandbox: Sandbox) -> list[str]:
    """Links that are not as the records say, read after the gateway has ended: a member's number
    and a contact's `shopify_customer_id` are the customer's.
    """
    rows, contacts = sandbox.smaregi.members, sandbox.hubspot.contacts
    found = db.execute(
        "SELECT channel, customer_id, reference FROM links WHERE channel IN ('smaregi', 'crm')"
    ).fetchall()
    numbers: dict[tuple[str, str], str | None] = {
        ("smaregi", str(i)): row["customerCode"] for i, row in rows.items()
    }
    numbers |= {
        ("crm", str(each.id)): each.properties.get("shopify_customer_id")
        for each in contacts.values()
        if not each.archived
    }
    return [
        f"{channel}: {customer_id} is linked to {reference}"
        for channel, customer_id, reference in found
        if numbers.get((channel, str(reference))) != str(customer_id)
    ]
