"""What the stand-ins hold at the end, by e-mail and by number; and the verdict on it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gateway.sandbox import Customer, Sandbox

__all__ = ["Held", "Verdict"]

_KINDS = (
    "lost",
    "turned away",
    "undelivered",
    "wrongly linked",
    "old data",
    "wishes not heeded",
    "points lost",
    "points given twice",
    "points astray",
    "points stuck",
    "points on their way",
    "records of nobody",
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

    def blame(self, kind: str, what: str, count: int = 1) -> None:
        self.counts[kind] += count
        self.wrong.append(f"{kind}: {what}")


class Held:
    """Every list should have one entry."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.by_id = sandbox.shopify.customers
        self.customers: dict[str, list[Customer]] = {}
        self.members: dict[str, list[int]] = {}
        self.codes: dict[str, list[int]] = {}
        self.contacts: dict[str, list[int]] = {}
        self.contact_numbers: dict[str, list[int]] = {}
        self.mails: dict[str, list[str]] = {}
        self.rows = sandbox.smaregi.members
        self.properties: dict[int, dict[str, Any]] = {}
        for customer in self.by_id.values():
            self.customers.setdefault((customer.email or "").lower(), []).append(customer)
        for member_id, row in self.rows.items():
            if email := (row["mailAddress"] or "").lower():
                self.members.setdefault(email, []).append(member_id)
            self.codes.setdefault(row["customerCode"] or "", []).append(member_id)
        for contact in sandbox.hubspot.contacts.values():
            if contact.archived:
                continue
            values = self.properties[contact.id] = contact.properties
            self.contacts.setdefault(values["email"].lower(), []).append(contact.id)
            if number := values.get("shopify_customer_id"):
                self.contact_numbers.setdefault(number, []).append(contact.id)
        for mail in sandbox.mail.messages:
            for recipient in mail.recipients:
                self.mails.setdefault(recipient.lower(), []).append(mail.message_id)
