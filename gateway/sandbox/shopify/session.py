"""What the resolvers of one request share, and the checks at their door."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from gateway.sandbox.options import ShopifyOptions
from gateway.sandbox.shopify.discounts import Discounts
from gateway.sandbox.shopify.orders import Order
from gateway.sandbox.shopify.records import Customer
from gateway.sandbox.shopify.rules import UserError
from gateway.sandbox.shopify.store import Store

_GID = re.compile(r"gid://shopify/(\w+)/(\d+)(\?.*)?")
_DOCUMENTATION = "https://shopify.dev/api/usage/access-scopes"


@dataclass(frozen=True, slots=True)
class MergeJob:
    """A merge: the survivor, and the customer that goes; it is done once that one is gone."""

    id: str
    kept: int
    gone: int


@dataclass(slots=True)
class Session:
    """One request. `effects` collects the gids of what it changed, `ignored` the search fields
    that Shopify does not know.
    """

    store: Store
    options: ShopifyOptions
    now: float
    jobs: dict[str, MergeJob]
    merge: Callable[[MergeJob], None]
    token_scopes: frozenset[str]
    orders: dict[int, Order]
    discounts: Discounts
    effects: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def of(info: GraphQLResolveInfo) -> Session:
    session: Session = info.context
    return session


def record_id(gid: str, kind: str | None = None) -> int:
    """The number in a global id. GraphQLError for one that is none, or of another kind."""
    match = _GID.fullmatch(gid)
    if match is None or (kind is not None and match[1] != kind):
        raise GraphQLError(f"Invalid global id '{gid}'")
    return int(match[2])


def customer_of(info: GraphQLResolveInfo, gid: str) -> Customer | None:
    store, customer_id = of(info).store, record_id(gid, "Customer")
    if customer_id in store.unreadable:
        raise GraphQLError(
            "Internal error. Looks like something went wrong on our end.",
            extensions={"code": "INTERNAL_SERVER_ERROR"},
        )
    return store.customers.get(customer_id)


def require(info: GraphQLResolveInfo, scope: str) -> None:
    """ACCESS_DENIED, and null for the field, where the app lacks a scope."""
    if scope not in of(info).token_scopes:
        raise denied(f"Access denied for {info.field_name} field.", f"`{scope}` access scope.")


def require_protected(info: GraphQLResolveInfo) -> None:
    """ACCESS_DENIED where the app has no approval for protected customer data."""
    if not of(info).options.protected_data:
        text = f"This app is not approved to use the {info.field_name} field."
        raise denied(text, "protected customer data approval")


def denied(text: str, required: str) -> GraphQLError:
    extensions = {
        "code": "ACCESS_DENIED",
        "documentation": _DOCUMENTATION,
        "requiredAccess": required,
    }
    return GraphQLError(text, extensions=extensions)


def refused(errors: list[UserError], **empty: Any) -> dict[str, Any]:
    """A payload that changed nothing."""
    return {
        **empty,
        "userErrors": [
            {
                "field": None if error.field is None else list(error.field),
                "message": error.message,
                "code": error.code,
                "elementIndex": error.element_index,
            }
            for error in errors
        ],
    }


def done(info: GraphQLResolveInfo, target: str, **payload: Any) -> dict[str, Any]:
    """A payload of a change that took effect."""
    of(info).effects.append(target)
    return {**payload, "userErrors": []}
