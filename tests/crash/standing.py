"""What must stand at rest of those who went on living: each newest word, consent and links."""

from collections.abc import Collection, Mapping
from typing import Any

from gateway.sandbox import Customer
from tests.crash.held import Held, Verdict
from tests.crash.lives import Life
from tests.crash.people import Person

__all__ = ["nobodys", "stands"]

_CONSENT = "accepts_marketing"
_SHOPIFY_IDS = 10**12
"""Numbers from here on are Shopify's, not a card's."""
_MEMBER = {
    "first_name": "firstName",
    "last_name": "lastName",
    "birth_date": "birthDate",
    _CONSENT: "mailReceiveFlag",
}
_CONTACT = {
    "first_name": "firstname",
    "last_name": "lastname",
    "birth_date": "date_of_birth",
    _CONSENT: _CONSENT,
}
_NO = {"0": False, "1": True, "false": False, "true": True, None: None}


def stands(
    person: Person,
    life: Life,
    wanted: Mapping[str, Any],
    customer: Customer,
    held: Held,
    verdict: Verdict,
) -> None:
    """`wanted`: the newest word on each field. Shopify has it, and with it the other systems; of a
    store member from before only what was changed since it was linked.
    """
    who = f"person {person.number} (customer {customer.id})"
    shown = {
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "birth_date": customer.metafield("facts", "birth_date"),
        _CONSENT: customer.consent.state == "SUBSCRIBED",
    }
    _compare(who, "Shopify", wanted, shown, verdict)
    older = person.is_member or life.merged or life.returned
    of_member = {n: v for n, v in wanted.items() if not older or n in life.wanted}
    for member in [] if life.merged else held.codes.get(str(customer.id), [])[:1]:
        row = held.rows[member]
        has = {name: row[column] for name, column in _MEMBER.items()}
        _compare(who, "Smaregi", of_member, has, verdict)
    for contact in held.contact_numbers.get(str(customer.id), [])[:1]:
        values = held.properties[contact]
        has = {name: values.get(column) for name, column in _CONTACT.items()}
        _compare(who, "HubSpot", wanted, has, verdict)


def _compare(
    who: str, system: str, wanted: Mapping[str, Any], has: Mapping[str, Any], verdict: Verdict
) -> None:
    for name, value in wanted.items():
        found = has[name]
        if name == _CONSENT and not isinstance(found, bool):
            found = _NO.get(found, found)
        if found != value:
            kind = "wishes not heeded" if name == _CONSENT else "old data"
            verdict.blame(kind, f"{who}: {system} does not have the newest {name}")


def nobodys(held: Held, absorbed: Collection[int], verdict: Verdict) -> None:
    """No record bears the number of a customer who is gone; but for the store member of one who was
    merged into another, who has a member too: what becomes of the two is for a person.
    """
    known = held.by_id.keys() | set(absorbed)
    for code, members in held.codes.items():
        if code.isdigit() and int(code) >= _SHOPIFY_IDS and int(code) not in known:
            verdict.blame("records of nobody", f"member {members[0]} has the number {code}")
    for number, contacts in held.contact_numbers.items():
        if int(number) not in held.by_id:
            verdict.blame("records of nobody", f"contact {contacts[0]} has the number {number}")
