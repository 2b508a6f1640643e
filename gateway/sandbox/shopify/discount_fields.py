"""How discount codes are made, looked up and ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLResolveInfo

from gateway.sandbox.shopify.discounts import DiscountCodeBasic, errors_in
from gateway.sandbox.shopify.rules import UserError
from gateway.sandbox.shopify.session import done, of, record_id, refused, require

__all__ = ["DISCOUNT_FIELDS", "basic_create", "by_code", "deactivate"]

Info = GraphQLResolveInfo
Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DiscountCodeNode:
    """A code, as it is listed among discounts of every kind."""

    code_discount: DiscountCodeBasic

    @property
    def id(self) -> str:
        return self.code_discount.gid


def by_code(_root: Any, info: Info, code: str) -> DiscountCodeNode | None:
    """Sees a code at once."""
    require(info, "read_discounts")
    found = of(info).discounts.by_code(code)
    return None if found is None else DiscountCodeNode(found)


def basic_create(
    _root: Any,
    info: Info,
    basicCodeDiscount: Mapping[str, Any],  # noqa: N803 - the schema's name
) -> Payload:
    require(info, "write_discounts")
    discounts, customers = of(info).discounts, _customers(basicCodeDiscount.get("context"))
    taken = discounts.by_code(basicCodeDiscount.get("code") or "") is not None
    errors = errors_in(basicCodeDiscount, taken=taken)
    if customers is not None and not customers <= of(info).store.customers.keys():
        path = ("basicCodeDiscount", "context", "customers", "add")
        errors.append(UserError(path, "Customers are invalid", "INVALID"))
    if errors:
        return refused(errors, codeDiscountNode=None)
    made = discounts.create(basicCodeDiscount, customers)
    return done(info, made.gid, codeDiscountNode=DiscountCodeNode(made))


def _customers(context: Mapping[str, Any] | None) -> set[int] | None:
    """None for everybody."""
    given = (context or {}).get("customers")
    return None if given is None else {record_id(gid, "Customer") for gid in given.get("add") or ()}


def deactivate(_root: Any, info: Info, id: str) -> Payload:  # noqa: A002
    require(info, "write_discounts")
    found = of(info).discounts.rows.get(record_id(id, "DiscountCodeNode"))
    if found is None:
        error = UserError(("id",), "Code discount does not exist.", "INVALID")
        return refused([error], codeDiscountNode=None)
    of(info).discounts.deactivate(found)
    return done(info, found.gid, codeDiscountNode=DiscountCodeNode(found))


def _status(source: DiscountCodeBasic, info: Info) -> str:
    return source.status(of(info).now)


def _counted(source: DiscountCodeBasic, info: Info) -> int:
    """As late as the search index."""
    return source.counted(of(info).now - of(info).options.search_lag)


DISCOUNT_FIELDS: dict[str, dict[str, Callable[..., Any]]] = {
    "DiscountCodeBasic": {"status": _status, "asyncUsageCount": _counted},
}
