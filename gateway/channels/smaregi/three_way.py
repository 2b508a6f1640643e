"""Compares till and Shopify, field by field, with what they last agreed on: pure.

What the till changed goes to Shopify; if Shopify changed it too, Shopify wins. What neither changed
since stays as it is, however much it differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.channels.last_sent import Given, Marks
from gateway.channels.smaregi.from_member import NOT_TOLD, UNITS, held, is_same, told
from gateway.customer import Customer

__all__ = ["Comparison", "compare"]

Row = Mapping[str, Any]


@dataclass(slots=True)
class Comparison:
    """Fields of the profile, by what becomes of the till's change.

    `to_shopify` with their new values, '' and None clear; `same`: Shopify says it already; `lost`:
    Shopify was changed too; `nothing`: no value that could go to Shopify.
    """

    given: Given
    held: Mapping[str, str]
    to_shopify: dict[str, Any] = field(default_factory=dict)
    same: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    nothing: list[str] = field(default_factory=list)

    def marks(self, fields: Mapping[str, str]) -> Marks:
        """What to remember, now that Shopify's customer makes `fields` of a member."""
        marks: dict[str, str] = {}
        for unit in (*self.to_shopify, *self.same):
            marks |= self.given.agreed(UNITS[unit], fields, self.held)
        for unit in self.nothing:
            marks |= self._as_held(unit)
        for unit in self.lost:
            marks |= self._as_held(unit)
            marks |= self.given.lost(UNITS[unit], fields, self._contested(unit, fields))
        return marks

    def refused(self, unit: str) -> None:
        """Shopify refuses it: it stays at the till, and is no longer a change."""
        del self.to_shopify[unit]
        self.nothing.append(unit)

    def _contested(self, unit: str, fields: Mapping[str, str]) -> set[str]:
        """What the till changed of it; another number beside the mobile one contradicts nobody."""
        beside = {"phoneNumber"} if "mobileNumber" in fields else set()
        return self.given.holds_new(self.held).intersection(UNITS[unit]) - beside

    def _as_held(self, unit: str) -> Marks:
        return self.given.as_held({name: self.held[name] for name in UNITS[unit]})


def compare(given: Given, row: Row, customer: Customer, fields: Mapping[str, str]) -> Comparison:
    """`given` as read before `row`; `fields`: what a member of `customer` is given."""
    comparison = Comparison(given, held(row))
    new = given.holds_new(comparison.held)
    for unit, names in UNITS.items():
        known = all(name in comparison.held and not given.is_unsure(name) for name in names)
        if known and new.intersection(names):
            _judge(comparison, unit, row, customer, fields)
    return comparison


def _judge(
    comparison: Comparison, unit: str, row: Row, customer: Customer, fields: Mapping[str, str]
) -> None:
    value: Final = told(unit, row, customer.profile)
    if value is NOT_TOLD:
        comparison.nothing.append(unit)
    elif is_same(unit, value, customer.profile):
        comparison.same.append(unit)
    elif comparison.given.differs(UNITS[unit], fields):
        comparison.lost.append(unit)
    else:
        comparison.to_shopify[unit] = value
