"""The verdict, by what the stand-ins hold; our database is only asked for what it must not hold."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from gateway.sandbox import Customer, Sandbox
from tests.crash.people import Person
from tests.crash.storefront import Told

__all__ = ["Verdict", "judge", "open_intents"]

_KINDS = (
    "lost",
    "turned away",
    "undelivered",
    "wrongly linked",
    "old data",
    "mails of two ids",
    "duplicate customers",
    "duplicate members",
    "duplicate contacts",
)


@dataclass(slots=True)
class Verdict:
    """`counts` for the table; `wrong` has a line for each thing that should not be."""

    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(_KINDS, 0)))
    wrong: list[str] = field(default_factory=list)

    def blame(self, kind: str, what: str) -> None:
        self.counts[kind] += 1
        self.wrong.append(f"{kind}: {what}")


class _Held:
    """What the stand-ins hold, by e-mail and by number; every list should have one entry."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.customers: dict[str, list[Customer]] = {}
        self.members: dict[str, list[int]] = {}
        self.codes: dict[str, list[int]] = {}
        self.contacts: dict[str, list[int]] = {}
        self.contact_numbers: dict[str, list[int]] = {}
        self.mails: dict[str, list[str]] = {}
        self.rows = sandbox.smaregi.members
        for customer in sandbox.shopify.customers.values():
            self.customers.setdefault((customer.email or "").lower(), []).append(customer)
        for member_id, row in self.rows.items():
            self.members.setdefault((row["mailAddress"] or "").lower(), []).append(member_id)
            self.codes.setdefault(row["customerCode"] or "", []).append(member_id)
        for contact in sandbox.hubspot.contacts.values():
            values = contact.properties
            self.contacts.setdefault(values["email"].lower(), []).append(contact.id)
            if number := values.get("shopify_customer_id"):
                self.contact_numbers.setdefault(number, []).append(contact.id)
        for mail in sandbox.mail.messages:
            for recipient in mail.recipients:
                self.mails.setdefault(recipient.lower(), []).append(mail.message_id)


def judge(sandbox: Sandbox, everybody: Iterable[Person], told: Mapping[int, Told]) -> Verdict:
    verdict, held = Verdict(), _Held(sandbox)
    _once(held, verdict)
    strangers = dict(held.customers)
    for person in everybody:
        customers = strangers.pop(person.email, [])
        _heard(person, told.get(person.number, Told()), customers, verdict)
        for customer in customers:
            _delivered(person, customer, held, verdict)
    for email in strangers:
        verdict.blame("duplicate customers", f"nobody signed up as {email}")
    return verdict


def _once(held: _Held, verdict: Verdict) -> None:
    for kind, many in (
        ("duplicate customers", held.customers),
        ("duplicate members", held.members),
        ("duplicate members", held.codes),
        ("duplicate contacts", held.contacts),
        ("duplicate contacts", held.contact_numbers),
    ):
        for key, records in many.items():
            if len(records) > 1:
                verdict.blame(kind, f"{key} has {len(records)}")
    for recipient, ids in held.mails.items():
        verdict.counts["mails sent twice"] += len(ids) - 1
        if len(set(ids)) > 1:
            verdict.blame("mails of two ids", recipient)


def _heard(person: Person, told: Told, customers: list[Customer], verdict: Verdict) -> None:
    """What was told stands."""
    who = f"person {person.number}"
    for refusal in told.refused[:1]:
        verdict.blame("turned away", f"{who}: {refusal}")
    if not told.answers:
        return
    held = {customer.gid for customer in customers}
    if told.customers != held:
        verdict.blame("lost", f"{who} was told of {told.customers}, Shopify has {held}")
    wanted = (person.corrected if told.corrected else person.body)["first_name"]
    if any(customer.first_name != wanted for customer in customers):
        verdict.blame("old data", f"{who}: Shopify has the name from before the correction")


def _delivered(person: Person, customer: Customer, held: _Held, verdict: Verdict) -> None:
    """A customer whom Shopify has is known everywhere, whether or not anybody was told."""
    number, who = str(customer.id), f"person {person.number} (customer {customer.id})"
    members = held.codes.get(number, [])
    if not members:
        verdict.blame("undelivered", f"{who} is no member")
    elif members != held.members.get(person.email):
        verdict.blame("wrongly linked", f"{who}: the member is somebody else's")
    elif person.is_member and not _keeps_card(held.rows[members[0]], person):
        verdict.blame("wrongly linked", f"{who}: the old number is not there once")
    contacts = held.contact_numbers.get(number, [])
    if not contacts:
        verdict.blame("undelivered", f"{who} is no contact")
    elif contacts != held.contacts.get(person.email):
        verdict.blame("wrongly linked", f"{who}: the contact is somebody else's")
    if person.email not in held.mails:
        verdict.blame("undelivered", f"{who} got no mail")


def _keeps_card(row: Mapping[str, str | None], person: Person) -> bool:
    """The old number is in `customerNo` or in a line of the note, once."""
    in_note = (row["note"] or "").count(person.old_number)
    return (row["customerNo"] == person.old_number) + in_note == 1


def open_intents(database: Path) -> int:
    """Read after the gateway has ended."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        (count,) = db.execute("SELECT count(*) FROM intents").fetchone()
    return int(count)
