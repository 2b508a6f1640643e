"""Shopify's search syntax as `customers(query:)` takes it, and pages over what it finds."""

import base64
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graphql import GraphQLError

from gateway.sandbox.shopify.records import Customer
from gateway.sandbox.shopify.rules import email_key

_TERM = re.compile(r"(\w+):(<=|>=|<|>)?(?:'([^']*)'|\"([^\"]*)\"|(\S+))|(\S+)")
_MOST = 250


@dataclass(frozen=True, slots=True)
class Term:
    """One condition, `field:>'value'`; `field` is empty for a word without one."""

    field: str
    operator: str
    value: str


def terms(query: str) -> list[Term]:
    """The conditions of a query, all of which must hold."""
    found = []
    for match in _TERM.finditer(query):
        name, operator, single, double, bare, word = match.groups()
        if word == "AND":
            continue
        value = next(text for text in (single, double, bare, word) if text is not None)
        found.append(Term(name or "", operator or "=", value))
    return found


def holds(customer: Customer, term: Term) -> bool | None:
    """Whether a customer meets a condition; None for a field that Shopify does not know, which
    it ignores with a warning.
    """
    match term.field:
        case "email":
            return email_key(customer.email or "") == email_key(term.value)
        case "phone":
            return customer.phone == term.value
        case "id":
            return _compare(float(customer.id), term.operator, float(term.value))
        case "updated_at":
            return _compare(int(customer.updated_at), term.operator, _seconds(term.value))
        case "created_at" | "customer_date":
            return _compare(int(customer.created_at), term.operator, _seconds(term.value))
        case "state":
            return customer.state.lower() == term.value.lower()
        case "tag":
            return term.value.lower() in {tag.lower() for tag in customer.tags}
        case "first_name":
            return (customer.first_name or "").lower() == term.value.lower()
        case "last_name":
            return (customer.last_name or "").lower() == term.value.lower()
        case "":
            return term.value.lower() in f"{customer.display_name} {customer.email}".lower()
    return None


def matching(
    customers: Iterable[Customer], query: str | None, indexed_until: float
) -> tuple[list[Customer], list[str]]:
    """The customers that a query finds, and the fields it does not know.

    With a query the search index answers, which has not caught up with the newest changes;
    without one the records themselves do.
    """
    if not query:
        return list(customers), []
    wanted = terms(query)
    seen = [customer for customer in customers if customer.updated_at <= indexed_until]
    found = [each for each in seen if all(holds(each, term) is not False for term in wanted)]
    probe = Customer(0, 0, 0)
    return found, [term.field for term in wanted if holds(probe, term) is None]


def page(
    items: Sequence[Any],
    arguments: dict[str, Any],
    key: Callable[[Any], tuple[float, int]],
    most: int = _MOST,
) -> dict[str, Any]:
    """A connection over `items`: `first`/`after` or `last`/`before`, sorted by `key`."""
    first, last = arguments.get("first"), arguments.get("last")
    after, before = arguments.get("after"), arguments.get("before")
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last")
    if not 0 < (first or last or 0) <= most:
        raise GraphQLError(f"first or last must be between 1 and {most}")
    down = bool(arguments.get("reverse"))

    def rank(item: Any) -> tuple[float, int]:
        value, number = key(item)
        return (-value, -number) if down else (value, number)

    ordered = sorted(items, key=rank)
    start = bisect_right(ordered, _place(after, down), key=rank) if after else 0
    end = bisect_left(ordered, _place(before, down), key=rank) if before else len(ordered)
    low = start if first is not None else max(start, end - (last or 0))
    high = min(end, low + first) if first is not None else end
    edges = [{"cursor": _cursor(key(item)), "node": item} for item in ordered[low:high]]
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": {
            "hasNextPage": high < len(ordered),
            "hasPreviousPage": low > 0,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def by_id(record: Any) -> tuple[float, int]:
    """The sort key of a connection that is in the order of its ids."""
    return float(record.id), record.id


def _cursor(key: tuple[float, int]) -> str:
    return base64.b64encode(f"{key[0]!r} {key[1]}".encode()).decode()


def _place(cursor: str, down: bool) -> tuple[float, int]:
    """Where a cursor stands in the order; its record may have moved or gone since."""
    try:
        value, number = base64.b64decode(cursor).decode().split()
        at = float(value), int(number)
    except ValueError as error:
        raise GraphQLError("Invalid cursor for current pagination sort.") from error
    return (-at[0], -at[1]) if down else at


def _compare(left: float, operator: str, right: float) -> bool:
    match operator:
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case "<=":
            return left <= right
    return left == right


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise GraphQLError("Invalid date in the search query") from error
