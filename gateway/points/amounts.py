"""What an order earns, by what Shopify holds of it now. Pure.

The base is what the goods cost now, and never more than was paid for them. So refunds, edits,
cancellations and money paid back out of goodwill need no rule of their own, and an edit that made
the order dearer earns nothing until it is paid. Shipping, tips, duties, fees and gift cards never
earn; paying with a gift card does. Points that were used are a discount: they earn where the store
says so.
"""

from fractions import Fraction
from math import ceil, floor
from typing import Self

import orjson

from gateway import frozen
from gateway.shopify import ShopOrder

__all__ = ["PAID", "Rule", "base", "earned", "is_off", "spent"]

PAID = frozenset(["PAID", "PARTIALLY_REFUNDED", "REFUNDED"])
_WITH_TAX, _WITH_USED = {1, 3}, {1, 2}
"""`pointGivingDivision`: 1 with tax, 2 without, each with used points; 3 and 4 without these."""


@frozen
class Rule:
    """`unit` points for each whole `unit_price` yen; `division` as Smaregi's."""

    unit: Fraction
    unit_price: Fraction
    division: int

    def text(self) -> str:
        """For the database; `Rule.of` reads it."""
        values = {"unit": str(self.unit), "yen": str(self.unit_price), "division": self.division}
        return orjson.dumps(values).decode()

    @classmethod
    def of(cls, text: str) -> Self:
        values = orjson.loads(text)
        return cls(Fraction(values["unit"]), Fraction(values["yen"]), int(values["division"]))

    def points(self, yen: int) -> int:
        """Whole units only: 900 yen at 10 points for 1 000 yen are none."""
        return floor(floor(yen / self.unit_price) * self.unit)


def is_off(order: ShopOrder) -> bool:
    """Nothing remains of it, whatever its lines say."""
    return order.cancelled or order.status == "VOIDED"


def earned(order: ShopOrder, rule: Rule, used: Fraction = Fraction(0)) -> int:
    """What the order earns by now, if it is one that earns; `used`: yen paid by points."""
    return 0 if is_off(order) else rule.points(base(order, rule, used))


def spent(order: ShopOrder, code: str, points: int, yen: int) -> int:
    """How many points the order has used by now, of so many that were worth so much: each that was
    begun.
    """
    return 0 if is_off(order) else ceil(order.off(code) * points / yen)


def base(order: ShopOrder, rule: Rule, used: Fraction = Fraction(0)) -> int:
    """Yen that earn."""
    used = used if rule.division in _WITH_USED else Fraction(0)
    cards = sum((line.value for line in order.lines if line.is_gift_card), Fraction(0))
    with_tax = order.subtotal + (0 if order.taxes_included else order.tax) - cards
    if with_tax <= 0:
        return floor(used)
    beside = order.shipping + order.tip + order.duties + order.fees
    paid = max(Fraction(0), order.net_payment - beside - cards)
    counted = with_tax if rule.division in _WITH_TAX else _before_taxes(order)
    share = counted / with_tax if order.taxes_included else Fraction(1)
    return floor(counted * min(Fraction(1), paid / with_tax) + used * share)


def _before_taxes(order: ShopOrder) -> Fraction:
    goods = (line.before_taxes for line in order.lines if not line.is_gift_card)
    return sum(goods, Fraction(0))
