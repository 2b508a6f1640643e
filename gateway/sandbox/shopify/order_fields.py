"""How orders are asked for: `order` sees 60 days, `orders` the search index."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo

from gateway.sandbox.shopify import search
from gateway.sandbox.shopify.orders import LineItem, Order, OrderTransaction
from gateway.sandbox.shopify.session import of, record_id, require

__all__ = ["ORDER_FIELDS", "order", "orders"]

Resolver = Callable[..., Any]
_SEEN = 60 * 86400.0
"""Seconds for which an order is seen without the scope `read_all_orders`."""
_SEARCHED = {"id", "created_at", "updated_at", "customer_id", "discount_code"}


def order(_root: Any, info: GraphQLResolveInfo, id: str) -> Order | None:  # noqa: A002
    require(info, "read_orders")
    found = of(info).orders.get(record_id(id, "Order"))
    return found if found is not None and _is_seen(info, found) else None


def _is_seen(info: GraphQLResolveInfo, found: Order) -> bool:
    session = of(info)
    return "read_all_orders" in session.token_scopes or session.now - found.created_at <= _SEEN


def orders(_root: Any, info: GraphQLResolveInfo, **asked: Any) -> dict[str, Any]:
    require(info, "read_orders")
    session = of(info)
    indexed_until = session.now - session.options.search_lag
    wanted = search.terms(asked.get("query") or "")
    session.ignored += [term.field for term in wanted if term.field not in _SEARCHED]
    known = [term for term in wanted if term.field in _SEARCHED]
    found: list[Any] = [
        each
        for each in session.orders.values()
        if each.updated_at <= indexed_until and _is_seen(info, each)
    ]
    found = [each for each in found if all(_holds(each, term) for term in known)]
    return search.page(found, asked, _SORTS.get(asked["sortKey"], search.by_id))


def _holds(each: Order, term: search.Term) -> bool | None:
    """Of an order's codes the index knows the first one."""
    match term.field:
        case "customer_id":
            return str(each.customer_id) == term.value
        case "discount_code":
            return [code.lower() for code in each.discount_codes[:1]] == [term.value.lower()]
    return search.holds(each, term)  # type: ignore[arg-type]


_SORTS: dict[str, Callable[[Order], tuple[float, int]]] = {
    "UPDATED_AT": lambda each: (each.updated_at, each.id),
    "CREATED_AT": lambda each: (each.created_at, each.id),
    "PROCESSED_AT": lambda each: (each.created_at, each.id),
}


def _money(amount: int, code: str = "JPY") -> dict[str, Any]:
    """Yen have no places behind the point; Shopify writes one all the same."""
    money = {"amount": f"{amount}.0", "currencyCode": code}
    return {"shopMoney": money, "presentmentMoney": money}


def _set(read: Callable[[Order], int]) -> Resolver:
    return lambda each, _info: _money(read(each), each.currency_code)


def _customer(source: Order, info: GraphQLResolveInfo) -> Any:
    require(info, "read_customers")
    return of(info).store.customers.get(source.customer_id or 0)


def _transactions(
    source: Order, _info: GraphQLResolveInfo, first: int | None = None
) -> list[OrderTransaction]:
    return source.payments[:first]


def _lines(source: Order, _info: GraphQLResolveInfo, **asked: Any) -> dict[str, Any]:
    return search.page(source.lines, asked, search.by_id)


def _allocations(source: LineItem, _info: GraphQLResolveInfo) -> list[dict[str, Any]]:
    """By whatever takes something off; a code says which one it is."""
    given = [(AutomaticDiscountApplication(), source.discount)] if source.discount else []
    by_code = [(DiscountCodeApplication(code), amount) for code, amount in source.codes.items()]
    return [
        {"allocatedAmountSet": _money(amount), "discountApplication": application}
        for application, amount in (*given, *by_code)
    ]


@dataclass(frozen=True, slots=True)
class AutomaticDiscountApplication:
    title: str = "Sale"
    index: int = 0


@dataclass(frozen=True, slots=True)
class DiscountCodeApplication:
    code: str
    index: int = 1


def _before_taxes(source: LineItem, info: GraphQLResolveInfo) -> dict[str, Any]:
    """A line does not know its order, which says whether its prices are with tax."""
    holder = next(
        each for each in of(info).orders.values() if any(line is source for line in each.lines)
    )
    tax = source.tax(included=True) if holder.taxes_included else 0
    return _money(source.value - tax)


ORDER_FIELDS: dict[str, dict[str, Resolver]] = {
    "Order": {
        "id": lambda each, _info: each.gid,
        "legacyResourceId": lambda each, _info: each.id,
        "name": lambda each, _info: f"#{each.id % 10000}",
        "displayFinancialStatus": lambda each, _info: each.financial_status,
        "displayFulfillmentStatus": lambda each, _info: (
            "FULFILLED" if each.fulfilled else "UNFULFILLED"
        ),
        "customer": _customer,
        "currentSubtotalPriceSet": _set(lambda each: each.subtotal),
        "currentTotalTaxSet": _set(lambda each: each.tax),
        "currentTotalPriceSet": _set(lambda each: each.total),
        "currentShippingPriceSet": _set(lambda each: each.shipping),
        "currentTotalDutiesSet": lambda each, _info: _money(each.duties) if each.duties else None,
        "currentTotalAdditionalFeesSet": lambda _each, _info: None,
        "totalTipReceivedSet": _set(lambda each: each.tip),
        "totalOutstandingSet": _set(lambda each: each.outstanding),
        "netPaymentSet": _set(lambda each: each.net_payment),
        "transactions": _transactions,
        "lineItems": _lines,
    },
    "LineItem": {
        "id": lambda each, _info: each.gid,
        "originalTotalSet": lambda each, _info: _money(each.price * each.quantity),
        "discountAllocations": _allocations,
        "priceAfterAllDiscountsBeforeTaxesSet": _before_taxes,
    },
    "OrderTransaction": {
        "id": lambda each, _info: each.gid,
        "amountSet": lambda each, _info: _money(each.amount),
    },
}
