"""Discount codes of a fixed amount, and what a checkout makes of them.

Class names are the schema's. Amounts are whole yen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gateway.sandbox.shopify.rules import UserError

__all__ = ["DiscountCodeBasic", "Discounts", "LineLike", "errors_in"]

_FIRST_ID = 9_000_000_000_001
_LONGEST = 255


class LineLike(Protocol):
    """`codes`: yen that each code takes off all that were ordered."""

    is_gift_card: bool
    codes: dict[str, int]

    @property
    def full(self) -> int: ...


@dataclass(slots=True)
class DiscountCodeBasic:
    """`customers`: who may use it, None for everybody. `used_at`: the time of each use."""

    id: int
    title: str
    code: str
    amount: int
    customers: set[int] | None
    starts_at: float
    ends_at: float | None
    usage_limit: int | None
    applies_once_per_customer: bool
    created_at: float
    updated_at: float
    used_at: list[float] = field(default_factory=list)
    used_by: set[int] = field(default_factory=set)

    @property
    def gid(self) -> str:
        return f"gid://shopify/DiscountCodeNode/{self.id}"

    def status(self, now: float) -> str:
        if now < self.starts_at:
            return "SCHEDULED"
        return "EXPIRED" if self.ends_at is not None and now >= self.ends_at else "ACTIVE"

    def counted(self, until: float) -> int:
        return sum(at <= until for at in self.used_at)


class Discounts:
    """`limit_lags`: seconds by which a use is counted late, so that a code may be used twice; no
    document says that Shopify is never as late as its `asyncUsageCount`.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.rows: dict[int, DiscountCodeBasic] = {}
        self.limit_lags = 0.0
        self._clock = clock
        self._next = _FIRST_ID

    def by_code(self, code: str) -> DiscountCodeBasic | None:
        wanted = code.strip().lower()
        found = (each for each in self.rows.values() if each.code.lower() == wanted)
        return next(found, None)

    def create(self, given: Mapping[str, Any], customers: set[int] | None) -> DiscountCodeBasic:
        now, number = self._clock(), self._next
        self._next += 1
        ends = given.get("endsAt")
        self.rows[number] = DiscountCodeBasic(
            number,
            given["title"],
            given["code"],
            int(float(given["customerGets"]["value"]["discountAmount"]["amount"])),
            customers,
            _seconds(given["startsAt"]),
            None if ends is None else _seconds(ends),
            given.get("usageLimit"),
            bool(given.get("appliesOncePerCustomer")),
            now,
            now,
        )
        return self.rows[number]

    def deactivate(self, found: DiscountCodeBasic) -> None:
        """It ends now."""
        now = self._clock()
        if found.ends_at is None or found.ends_at > now:
            found.ends_at = now
        found.updated_at = now

    def may_use(self, code: str, customer_id: int | None) -> DiscountCodeBasic | None:
        """What a checkout takes."""
        found, now = self.by_code(code), self._clock()
        if found is None or found.status(now) != "ACTIVE":
            return None
        if found.customers is not None and customer_id not in found.customers:
            return None
        if found.applies_once_per_customer and customer_id in found.used_by and not self.limit_lags:
            return None
        limit = found.usage_limit
        if limit is not None and found.counted(now - self.limit_lags) >= limit:
            return None
        return found

    def use(self, code: str, customer_id: int | None, lines: Sequence[LineLike]) -> str:
        """Its amount is split over the goods, gift cards aside, by their prices; as it is written.
        ValueError for a code that a checkout refuses.
        """
        found = self.may_use(code, customer_id)
        if found is None:
            raise ValueError(f"the checkout does not take the code {code}")
        found.used_at.append(self._clock())
        found.used_by |= set() if customer_id is None else {customer_id}
        goods = [line for line in lines if not line.is_gift_card and line.full > 0]
        rest = sum(line.full for line in goods)
        left = min(found.amount, rest)
        for line in goods:
            share = -(-left * line.full // rest)
            rest, left = rest - line.full, left - share
            line.codes[found.code] = share
        return found.code

    def move_customer(self, gone: int, kept: int) -> None:
        for each in self.rows.values():
            if each.customers is not None and gone in each.customers:
                each.customers = each.customers - {gone} | {kept}


def errors_in(given: Mapping[str, Any], *, taken: bool) -> list[UserError]:
    """What is wrong with a `DiscountCodeBasicInput`, the customers aside."""
    found = [
        _error(name, f"{name} can't be blank", "BLANK")
        for name in ("title", "code", "startsAt", "customerGets", "context")
        if not given.get(name)
    ]
    if found:
        return found
    if taken:
        found.append(_error("code", "Code must be unique. Please try a different code.", "TAKEN"))
    if len(given["code"]) > _LONGEST:
        found.append(_error("code", "Code is too long (maximum is 255 characters)", "TOO_LONG"))
    ends = given.get("endsAt")
    if ends is not None and _seconds(ends) <= _seconds(given["startsAt"]):
        text = "Ends at needs to be after starts_at"
        found.append(_error("endsAt", text, "END_DATE_BEFORE_START_DATE"))
    limit = given.get("usageLimit")
    if limit is not None and limit < 1:
        found.append(_error("usageLimit", "Usage limit must be greater than 0", "GREATER_THAN"))
    return found + _value_errors(given["customerGets"])


def _value_errors(gets: Mapping[str, Any]) -> list[UserError]:
    """Of codes only those of an amount for all items are understood here."""
    amount = ((gets.get("value") or {}).get("discountAmount") or {}).get("amount")
    if amount is None or not (gets.get("items") or {}).get("all"):
        return [_error("customerGets", "Customer gets can't be blank", "BLANK")]
    if float(amount) <= 0 or float(amount) != int(float(amount)):
        text = "Value must be greater than 0"
        return [_error("customerGets", text, "VALUE_OUTSIDE_RANGE")]
    return []


def _error(name: str, text: str, code: str) -> UserError:
    return UserError(("basicCodeDiscount", name), text, code)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
