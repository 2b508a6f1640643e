"""Discount codes of our own: one for each reservation of points.

No mutation here is idempotent: after a lost answer, or `TAKEN`, the code is looked up, which sees
it at once. `asyncUsageCount` lags, and a code may be used while it is being ended.
"""

from datetime import UTC, datetime
from typing import Any

from gateway import frozen
from gateway.customer import gid
from gateway.errors import ErrorClass, UpstreamError
from gateway.shopify import documents, order_documents
from gateway.shopify.client import SYSTEM, GraphQL
from gateway.shopify.documents import Document
from gateway.shopify.reading import unexpected

__all__ = ["CodeRefused", "CodeSeen", "DiscountCodes", "NewCode"]

_TITLE = "ポイント利用 / Points"


@frozen
class NewCode:
    """`amount` in yen; times are Unix seconds."""

    code: str
    customer_id: int
    amount: int
    starts_at: float
    ends_at: float


@frozen
class CodeSeen:
    """`ended`: no checkout takes it any more. `used` counts late."""

    id: str
    ended: bool
    used: int


class CodeRefused(UpstreamError):  # noqa: N818 - as the others of this room
    """Shopify certainly does not make this code, nor will it: its customer is gone, say."""


class DiscountCodes:
    """Everything raises UpstreamError."""

    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql

    async def make(self, new: NewCode) -> str:
        """Its id in Shopify. One that is there already is taken over: only we know the code. Raises
        CodeRefused.
        """
        payload = await self._change(order_documents.DISCOUNT, {"discount": _input(new)})
        if any(error.get("code") == "TAKEN" for error in _told(payload)):
            found = await self.find(new.code)
            if found is None:
                raise _not_shown(order_documents.DISCOUNT)
            return found.id
        _refuse(payload, order_documents.DISCOUNT)
        return _seen(payload.get("codeDiscountNode"), order_documents.DISCOUNT).id

    async def find(self, code: str) -> CodeSeen | None:
        data = await self._graphql.run(order_documents.DISCOUNT_BY_CODE, {"code": code})
        node = data.get("codeDiscountNodeByCode")
        return None if node is None else _seen(node, order_documents.DISCOUNT_BY_CODE)

    async def end(self, found: CodeSeen) -> None:
        """No checkout takes it from now on."""
        payload = await self._change(order_documents.DISCOUNT_END, {"id": found.id})
        _refuse(payload, order_documents.DISCOUNT_END)

    async def lacking_scopes(self) -> list[str]:
        """Those that the token lacks."""
        app = (await self._graphql.run(documents.SHOP, {})).get("currentAppInstallation") or {}
        granted = {scope.get("handle") for scope in app.get("accessScopes") or []}
        documented = (order_documents.DISCOUNT_BY_CODE, order_documents.DISCOUNT)
        return [each.scope for each in documented if each.scope not in granted]

    async def _change(self, document: Document, variables: dict[str, Any]) -> dict[str, Any]:
        payload = (await self._graphql.run(document, variables)).get(document.name)
        if not isinstance(payload, dict):
            raise unexpected("the answer holds no payload", document)
        return payload


def _input(new: NewCode) -> dict[str, Any]:
    """For one customer alone, once, until it ends; beside all other discounts."""
    return {
        "title": _TITLE,
        "code": new.code,
        "startsAt": _iso(new.starts_at),
        "endsAt": _iso(new.ends_at),
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"customers": {"add": [gid(new.customer_id)]}},
        "combinesWith": {
            "orderDiscounts": True,
            "productDiscounts": True,
            "shippingDiscounts": True,
        },
        "customerGets": {
            "items": {"all": True},
            "value": {"discountAmount": {"amount": str(new.amount), "appliesOnEachItem": False}},
        },
    }


def _told(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in payload.get("userErrors") or () if isinstance(each, dict)]


def _refuse(payload: dict[str, Any], document: Document) -> None:
    """By its code and field alone; the words may hold what was sent."""
    for error in _told(payload):
        code = str(error.get("code") or "?")
        if code == "INTERNAL_ERROR":
            text = "internal error at Shopify"
            raise UpstreamError(SYSTEM, document.name, ErrorClass.UNAVAILABLE, text)
        field = ".".join(str(part) for part in error.get("field") or ())
        text = f"Shopify refuses it: {code} {field}"
        raise CodeRefused(SYSTEM, document.name, ErrorClass.INVALID_DATA, text, applied=False)


def _seen(node: Any, document: Document) -> CodeSeen:
    try:
        told = node["codeDiscount"]
        return CodeSeen(str(node["id"]), told["status"] == "EXPIRED", int(told["asyncUsageCount"]))
    except (KeyError, TypeError, ValueError):
        raise unexpected("the answer is not a discount code", document) from None


def _not_shown(document: Document) -> UpstreamError:
    text = "Shopify says that there is such a code, and does not show it"
    return UpstreamError(SYSTEM, document.name, ErrorClass.UNAVAILABLE, text)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
