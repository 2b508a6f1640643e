"""Orders as Shopify holds them now: read whole, and listed by the time of a change.

`order` sees orders of the last 60 days, unless the app has the scope `read_all_orders`.
"""

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Literal

from gateway import frozen
from gateway.customer import numeric_id
from gateway.errors import ErrorClass, UpstreamError
from gateway.shopify import documents, order_documents
from gateway.shopify.client import GraphQL
from gateway.shopify.pages import PageSize
from gateway.shopify.reading import unexpected

__all__ = ["LINES", "PAGE", "ListedOrders", "Orders", "ShopOrder", "ShopOrderLine"]

LINES = 50
PAGE = 100
_AGAIN = 3
"""Readings of an order that changes between its pages."""
_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_CAPTURED = {"SALE", "CAPTURE"}


@frozen
class ShopOrderLine:
    """`full`: what all that were ordered cost after their discounts; `before_taxes`: what is left
    of the line costs, without taxes. `codes`: what each discount code took off all of them.
    """

    is_gift_card: bool
    quantity: int
    current: int
    full: Fraction
    before_taxes: Fraction
    codes: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def value(self) -> Fraction:
        """What is left of it costs so much, after all discounts."""
        return self._left(self.full)

    def off(self, code: str) -> Fraction:
        """What a code takes off what is left of it."""
        return self._left(self.codes.get(code, Fraction(0)))

    def _left(self, whole: Fraction) -> Fraction:
        return whole * self.current / self.quantity if self.quantity else Fraction(0)


@frozen
class ShopOrder:
    """Times are Unix seconds, amounts in the shop's currency. `customer_id` None: a guest's.
    `paid_at`: of the last payment. `outstanding` below 0 is to be paid back. `codes`: the discount
    codes that were entered, in capitals, as everywhere here.
    """

    id: int
    customer_id: int | None
    email: str | None = field(repr=False)
    made_at: float
    updated_at: float
    paid_at: float | None
    cancelled: bool
    test: bool
    source: str
    has_checkout: bool
    currency: str
    taxes_included: bool
    status: str
    fulfilled: bool
    subtotal: Fraction
    tax: Fraction
    shipping: Fraction
    duties: Fraction
    fees: Fraction
    tip: Fraction
    outstanding: Fraction
    net_payment: Fraction
    lines: tuple[ShopOrderLine, ...]
    codes: frozenset[str] = frozenset()

    def off(self, code: str) -> Fraction:
        """What a discount code takes off what is left of the order."""
        return sum((line.off(code) for line in self.lines), Fraction(0))


@frozen
class ListedOrders:
    """Ids with the time of the last change; `after` is where the next page begins (None: the
    last). `codes`: of those with discount codes, by id.
    """

    orders: tuple[tuple[int, float], ...]
    after: str | None
    codes: Mapping[int, frozenset[str]] = field(default_factory=dict)


class Orders:
    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql
        self._size = PageSize("orders")
        self._lines = PageSize("lines of an order")

    async def read(self, order_id: int) -> ShopOrder | None:
        """As it stands now, None if Shopify does not show it (any more). Raises UpstreamError."""
        for _ in range(_AGAIN):
            pages = await self._pages(order_id)
            if not pages:
                return None
            if len({page.get("updatedAt") for page in pages}) == 1:
                return _order(pages)
        raise UpstreamError(
            "shopify", "order", ErrorClass.UNAVAILABLE, "it changes while it is read", applied=False
        )

    async def _pages(self, order_id: int) -> list[dict[str, Any]]:
        """The order once for each page of its lines; nothing if it is gone before the last."""
        pages: list[dict[str, Any]] = []
        after: str | None = None
        more = True
        while more:
            node = await self._page(order_id, after)
            if node is None:
                return []
            pages.append(node)
            try:
                info = node["lineItems"]["pageInfo"]
                more = bool(info["hasNextPage"])
                after = str(info["endCursor"]) if more else None
            except (KeyError, TypeError):
                raise _strange() from None
        return pages

    async def _page(self, order_id: int, after: str | None) -> dict[str, Any] | None:
        gid = f"gid://shopify/Order/{order_id}"
        data = await self._lines.ask(
            LINES,
            lambda size: self._graphql.run(
                order_documents.ORDER, {"id": gid, "first": size, "after": after}
            ),
        )
        node = data.get("order")
        if node is not None and not isinstance(node, dict):
            raise _strange()
        return node

    async def changed(self, since: float, after: str | None) -> ListedOrders:
        """Those changed at `since` or later, the oldest change first; the search index lags."""
        return await self._list(f"updated_at:>='{_iso(since)}'", "UPDATED_AT", after)

    async def made(self, since: float, until: float, after: str | None) -> ListedOrders:
        """Those made within, the oldest first."""
        query = f"created_at:>='{_iso(since)}' created_at:<='{_iso(until)}'"
        return await self._list(query, "CREATED_AT", after)

    async def of_customer(self, customer_id: int, since: float, after: str | None) -> ListedOrders:
        """A customer's that were made since, the oldest first."""
        query = f"customer_id:{customer_id} created_at:>='{_iso(since)}'"
        return await self._list(query, "CREATED_AT", after)

    async def _list(
        self, query: str, sort: Literal["UPDATED_AT", "CREATED_AT"], after: str | None
    ) -> ListedOrders:
        data = await self._size.ask(
            PAGE,
            lambda size: self._graphql.run(
                order_documents.ORDERS,
                {"first": size, "after": after, "query": query, "sort": sort},
            ),
        )
        try:
            nodes, info = data["orders"]["nodes"], data["orders"]["pageInfo"]
            seen = tuple((_id(node["id"]), _seconds(node["updatedAt"])) for node in nodes)
            behind = str(info["endCursor"]) if info["hasNextPage"] else None
            codes = {_id(each["id"]): _codes(each) for each in nodes if each["discountCodes"]}
        except (KeyError, TypeError, ValueError):
            raise unexpected("the answer is not a page of orders", order_documents.ORDERS) from None
        return ListedOrders(seen, behind, codes)

    async def currency(self) -> str:
        """The shop's. Raises UpstreamError."""
        data = await self._graphql.run(documents.CURRENCY, {})
        return str((data.get("shop") or {}).get("currencyCode") or "?")


def _strange() -> UpstreamError:
    return unexpected("the answer is not an order", order_documents.ORDER)


def _order(pages: list[dict[str, Any]]) -> ShopOrder:
    node = pages[0]
    try:
        customer = node.get("customer") or {}
        return ShopOrder(
            id=_id(node["id"]),
            customer_id=numeric_id(customer["id"]) if customer.get("id") else None,
            email=(customer.get("defaultEmailAddress") or {}).get("emailAddress"),
            made_at=_seconds(node["createdAt"]),
            updated_at=_seconds(node["updatedAt"]),
            paid_at=_paid_at(node.get("transactions") or []),
            cancelled=node.get("cancelledAt") is not None,
            test=node["test"] is not False,
            source=str(node.get("sourceName") or ""),
            has_checkout=bool(node.get("checkoutToken")),
            currency=str(node["currencyCode"]),
            taxes_included=node["taxesIncluded"] is True,
            status=str(node.get("displayFinancialStatus") or ""),
            fulfilled=node.get("displayFulfillmentStatus") == "FULFILLED",
            subtotal=_amount(node["currentSubtotalPriceSet"]),
            tax=_amount(node["currentTotalTaxSet"]),
            shipping=_amount(node["currentShippingPriceSet"]),
            duties=_amount(node.get("currentTotalDutiesSet")),
            fees=_amount(node.get("currentTotalAdditionalFeesSet")),
            tip=_amount(node["totalTipReceivedSet"]),
            outstanding=_amount(node["totalOutstandingSet"], below_zero=True),
            net_payment=_amount(node["netPaymentSet"], below_zero=True),
            lines=tuple(_line(each) for page in pages for each in page["lineItems"]["nodes"]),
            codes=_codes(node),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _strange() from None


def _line(node: Mapping[str, Any]) -> ShopOrderLine:
    quantity, current = int(node["quantity"]), int(node["currentQuantity"])
    codes: dict[str, Fraction] = {}
    discounts = Fraction(0)
    for each in node.get("discountAllocations") or []:
        amount = _amount(each["allocatedAmountSet"])
        discounts += amount
        if code := str((each.get("discountApplication") or {}).get("code") or "").upper():
            codes[code] = codes.get(code, Fraction(0)) + amount
    return ShopOrderLine(
        is_gift_card=node["isGiftCard"] is not False,
        quantity=quantity,
        current=min(max(0, current), quantity),
        full=max(Fraction(0), _amount(node["originalTotalSet"]) - discounts),
        before_taxes=_amount(node["priceAfterAllDiscountsBeforeTaxesSet"]),
        codes=codes,
    )


def _codes(node: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(code).upper() for code in node.get("discountCodes") or ())


def _amount(bag: Any, *, below_zero: bool = False) -> Fraction:
    """ValueError for what is no amount of money. Nothing at all is none."""
    if bag is None:
        return Fraction(0)
    text = bag["shopMoney"]["amount"]
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise ValueError("no amount of money")
    amount = Fraction(text)
    if amount < 0 and not below_zero:
        raise ValueError("an amount below 0")
    return amount


def _paid_at(transactions: list[Mapping[str, Any]]) -> float | None:
    times = [
        _seconds(each["processedAt"])
        for each in transactions
        if each.get("kind") in _CAPTURED
        and each.get("status") == "SUCCESS"
        and each.get("processedAt")
    ]
    return max(times, default=None)


def _id(gid: Any) -> int:
    kind, _, number = str(gid).rpartition("/")
    if kind != "gid://shopify/Order" or not number.isdecimal():
        raise ValueError("no order")
    return int(number)


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
