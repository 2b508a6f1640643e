"""Orders: placed, paid, edited, refunded, fulfilled and cancelled, as customers and staff do.

Amounts are whole yen. Goods bear 10 % tax, gift cards none. Class names are the schema's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.sandbox.shopify.discounts import Discounts
from gateway.sandbox.shopify.records import iso

__all__ = ["LineItem", "Order", "OrderTransaction", "Orders"]

_TAX = 10
_FIRST_ID = 6_000_000_000_001


@dataclass(slots=True)
class LineItem:
    """`price` of one; `discount`, and `codes` by code: allocated to all that were ordered, as
    Shopify keeps it.
    """

    id: int
    price: int
    quantity: int
    current_quantity: int
    is_gift_card: bool = False
    discount: int = 0
    name: str = "Goods"
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def gid(self) -> str:
        return f"gid://shopify/LineItem/{self.id}"

    @property
    def full(self) -> int:
        """What all that were ordered cost, after all discounts."""
        return self.price * self.quantity - self.discount - sum(self.codes.values())

    @property
    def value(self) -> int:
        """What is left of the line costs so much, after all discounts."""
        return self.full * self.current_quantity // self.quantity if self.quantity else 0

    def tax(self, *, included: bool) -> int:
        if self.is_gift_card:
            return 0
        return self.value * _TAX // (100 + _TAX if included else 100)


@dataclass(slots=True)
class OrderTransaction:
    id: int
    kind: str
    amount: int
    processed_at: float
    status: str = "SUCCESS"

    @property
    def gid(self) -> str:
        return f"gid://shopify/OrderTransaction/{self.id}"


@dataclass(slots=True)
class Order:
    """`goodwill`: paid back for no goods; `goodwill_shown` says that the subtotal is lowered by it,
    which no document says or denies.
    """

    id: int
    created_at: float
    updated_at: float
    customer_id: int | None
    lines: list[LineItem]
    shipping: int = 0
    tip: int = 0
    duties: int = 0
    test: bool = False
    source_name: str | None = "web"
    checkout_token: str | None = "token"  # noqa: S105 - a checkout's
    currency_code: str = "JPY"
    taxes_included: bool = True
    cancelled_at: float | None = None
    fulfilled: bool = False
    goodwill: int = 0
    goodwill_shown: bool = False
    payments: list[OrderTransaction] = field(default_factory=list)
    discount_codes: list[str] = field(default_factory=list)

    @property
    def gid(self) -> str:
        return f"gid://shopify/Order/{self.id}"

    @property
    def processed_at(self) -> float:
        return self.created_at

    @property
    def subtotal(self) -> int:
        goods = sum(line.value for line in self.lines)
        return max(0, goods - self.goodwill) if self.goodwill_shown else goods

    @property
    def tax(self) -> int:
        return sum(line.tax(included=self.taxes_included) for line in self.lines)

    @property
    def total(self) -> int:
        goods = sum(line.value for line in self.lines)
        tax = 0 if self.taxes_included else self.tax
        return goods + tax + self.shipping + self.tip + self.duties - self.goodwill

    @property
    def received(self) -> int:
        return sum(each.amount for each in self.payments if each.kind == "SALE")

    @property
    def refunded(self) -> int:
        return sum(each.amount for each in self.payments if each.kind == "REFUND")

    @property
    def net_payment(self) -> int:
        return self.received - self.refunded

    @property
    def outstanding(self) -> int:
        return self.total - self.net_payment

    @property
    def financial_status(self) -> str:
        if self.cancelled_at is not None and not self.received:
            return "VOIDED"
        if self.refunded:
            return "REFUNDED" if self.net_payment <= 0 else "PARTIALLY_REFUNDED"
        if not self.payments:
            return "PENDING" if self.total else "PAID"
        return "PARTIALLY_PAID" if self.outstanding > 0 else "PAID"


Announce = Callable[[str, Order, Mapping[str, object]], None]


class Orders:
    """`announce(topic, order, body)` is told of each change that Shopify sends a webhook for."""

    def __init__(self, clock: Callable[[], float], announce: Announce) -> None:
        self.rows: dict[int, Order] = {}
        self.discounts = Discounts(clock)
        self._clock = clock
        self._announce = announce
        self._next = _FIRST_ID

    def place(
        self,
        customer_id: int | None,
        prices: Sequence[int | LineItem],
        *,
        paid: bool = True,
        codes: Sequence[str] = (),
        **fields: object,
    ) -> Order:
        """An order of one piece at each price, or of these lines; `fields` are those of `Order`.
        ValueError for one of `codes` that the checkout refuses.
        """
        now, order_id = self._clock(), self._new()
        lines = [
            each if isinstance(each, LineItem) else LineItem(self._new(), each, 1, 1)
            for each in prices
        ]
        used = [self.discounts.use(code, customer_id, lines) for code in codes]
        order = Order(order_id, now, now, customer_id, lines, **fields)  # type: ignore[arg-type]
        order.discount_codes += used
        self.rows[order.id] = order
        self._announce("ORDERS_CREATE", order, _body(order))
        if paid:
            self.pay(order)
        return order

    def line(self, price: int, quantity: int = 1, **fields: object) -> LineItem:
        return LineItem(self._new(), price, quantity, quantity, **fields)  # type: ignore[arg-type]

    def pay(self, order: Order) -> None:
        """What is outstanding, if anything is."""
        if order.outstanding > 0 or not order.payments:
            self._money(order, "SALE", max(0, order.outstanding))
            self._changed("ORDERS_PAID", order)

    def refund(
        self,
        order: Order,
        quantities: Mapping[int, int] | None = None,
        *,
        shipping: int = 0,
        goodwill: int = 0,
        kept: int = 0,
    ) -> None:
        """Lines by their place and how many of each; `kept`: paid back so much less than they
        cost.
        """
        before = order.total
        for place, count in (quantities or {}).items():
            line = order.lines[place]
            line.current_quantity -= min(count, line.current_quantity)
        order.shipping -= min(shipping, order.shipping)
        order.goodwill += goodwill
        back = min(max(0, before - order.total - kept), max(0, order.net_payment))
        self._money(order, "REFUND", back)
        order.updated_at = self._clock()
        refund = {"id": self._new(), "order_id": order.id}
        self._announce("REFUNDS_CREATE", order, refund)

    def edit(self, order: Order, place: int, quantity: int) -> None:
        """A line has so many pieces from now on; a place behind the last one is a new line of 500
        yen a piece.
        """
        if place >= len(order.lines):
            order.lines.append(self.line(500, quantity))
        else:
            line = order.lines[place]
            line.quantity = max(line.quantity, quantity)
            line.current_quantity = quantity
        order.updated_at = self._clock()
        edit = {"order_edit": {"id": self._new(), "order_id": order.id}}
        self._announce("ORDERS_EDITED", order, edit)

    def settle_up(self, order: Order) -> None:
        """Staff pay back what an edit made too much."""
        if order.outstanding < 0:
            self._money(order, "REFUND", -order.outstanding)
            order.updated_at = self._clock()
            self._announce("REFUNDS_CREATE", order, {"id": self._new(), "order_id": order.id})

    def fulfil(self, order: Order) -> None:
        order.fulfilled = True
        self._changed("ORDERS_FULFILLED", order)

    def cancel(self, order: Order) -> None:
        """With everything paid back."""
        if order.cancelled_at is not None:
            return
        order.cancelled_at = self._clock()
        if order.net_payment > 0:
            self._money(order, "REFUND", order.net_payment)
        self._changed("ORDERS_CANCELLED", order)

    def _money(self, order: Order, kind: str, amount: int) -> None:
        order.payments.append(OrderTransaction(self._new(), kind, amount, self._clock()))

    def _changed(self, topic: str, order: Order) -> None:
        order.updated_at = self._clock()
        self._announce(topic, order, _body(order))

    def _new(self) -> int:
        self._next += 1
        return self._next - 1


def _body(order: Order) -> dict[str, object]:
    """A little of what an order's webhook holds; a subscription may ask for less."""
    return {
        "id": order.id,
        "admin_graphql_api_id": order.gid,
        "created_at": iso(order.created_at),
        "updated_at": iso(order.updated_at),
        "financial_status": order.financial_status.lower(),
        "currency": order.currency_code,
        "current_subtotal_price": str(order.subtotal),
        "customer": None if order.customer_id is None else {"id": order.customer_id},
    }
