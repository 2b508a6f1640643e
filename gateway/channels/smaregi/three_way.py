"""Compares till and Shopify, field by field, with what they last agreed on: pure.

What the till changed goes to Shopify; if Shopify changed it too, Shopify wins. What neither changed
since stays as it is, however much it differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.channels.last_sent import Fingerprints, LastSent
from gateway.channels.smaregi.from_member import NOT_STATED, UNITS, is_same, record_values, value_of
from gateway.customer import Customer

__all__ = ["Comparison", "compare"]

Row = Mapping[str, Any]


@dataclass(slots=True)
class Comparison:
    """Fields of the profile, by what becomes of the till's change.

    `to_shopify` with their new values, '' and None clear; `same`: Shopify says it already; `lost`:
    Shopify was changed too; `nothing`: no value that could go to Shopify.
    """

    last_sent: LastSent
    in_record: Mapping[str, str]
    to_shopify: dict[str, Any] = field(default_factory=dict)
    same: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    nothing: list[str] = field(default_factory=list)

    def writing(self, fields: Mapping[str, str]) -> Fingerprints:
        """What to remember before Shopify is written, whose customer makes `fields` of a member."""
        marks: dict[str, str] = {}
        for unit in self.to_shopify:
            marks |= self.last_sent.writing(UNITS[unit], fields, self.in_record)
        return marks

    def fingerprints(self, fields: Mapping[str, str]) -> Fingerprints:
        """What to remember, now that Shopify's customer makes `fields` of a member."""
        fingerprints: dict[str, str] = {}
        for unit in (*self.to_shopify, *self.same):
            fingerprints |= self.last_sent.agreed(UNITS[unit], fields, self.in_record)
        for unit in self.nothing:
            fingerprints |= self._accepted(unit)
        for unit in self.lost:
            fingerprints |= self._accepted(unit)
            fingerprints |= self.last_sent.lost(UNITS[unit], fields, self._contested(unit, fields))
        return fingerprints

    def refused(self, unit: str) -> None:
        """Shopify refuses it: it stays at the till, and is no longer a change."""
        del self.to_shopify[unit]
        self.nothing.append(unit)

    def _contested(self, unit: str, fields: Mapping[str, str]) -> set[str]:
        """What the till changed of it; another number beside the mobile one contradicts nobody."""
        beside = {"phoneNumber"} if "mobileNumber" in fields else set()
        return self.last_sent.changed_in_record(self.in_record).intersection(UNITS[unit]) - beside

    def _accepted(self, unit: str) -> Fingerprints:
        return self.last_sent.accept_record({name: self.in_record[name] for name in UNITS[unit]})


def compare(
    last_sent: LastSent, row: Row, customer: Customer, fields: Mapping[str, str]
) -> Comparison:
    """`last_sent` as read before `row`; `fields`: what a member of `customer` is given."""
    comparison = Comparison(last_sent, record_values(row))
    new = last_sent.changed_in_record(comparison.in_record)
    for unit, names in UNITS.items():
        known = all(
            name in comparison.in_record and not last_sent.is_unsure(name) for name in names
        )
        if known and new.intersection(names):
            _judge(comparison, unit, row, customer, fields)
    return comparison


def _judge(
    comparison: Comparison, unit: str, row: Row, customer: Customer, fields: Mapping[str, str]
) -> None:
    value: Final = value_of(unit, row, customer.profile)
    if value is NOT_STATED:
        comparison.nothing.append(unit)
    elif is_same(unit, value, customer.profile):
        comparison.same.append(unit)
    elif comparison.last_sent.differs(UNITS[unit], fields):
        comparison.lost.append(unit)
    else:
        comparison.to_shopify[unit] = value
