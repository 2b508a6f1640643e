"""Admin GraphQL over the wire: token, cost points, throttling and errors inside a 200."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import urlencode

import orjson

from gateway import frozen
from gateway.errors import ErrorClass, UpstreamError
from gateway.settings import ShopifySettings
from gateway.shopify.documents import IDENTITY, Document
from gateway.wire import Access, Call, ClientCredentials, UpstreamAnswer, Wire
from gateway.wire.cost_bucket import CostBucket
from gateway.wire.reasons import reason_of
from gateway.wire.tokens import Grant, grant_of

__all__ = ["GraphQL", "TooDear"]

SYSTEM = "shopify"
_CREDENTIALS = "SHOPIFY_STORE, SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET"
_LONGEST_WAIT = 5.0
"""Seconds that a call waits for points when its caller named no deadline."""


class TooDear(UpstreamError):  # noqa: N818 - a turn in the flow of whoever asks for pages
    """The document costs more than Shopify allows a single query, whatever the bucket holds."""

    def __init__(self, document: Document) -> None:
        text = "the query costs more than Shopify allows a single one (MAX_COST_EXCEEDED)"
        applied = None if document.access is Access.WRITE else False
        super().__init__(SYSTEM, document.name, ErrorClass.UNEXPECTED, text, applied=applied)


class GraphQL:
    """Runs documents. `clock` is the event loop's time, in which deadlines are given."""

    def __init__(
        self,
        wire: Wire,
        settings: Callable[[], ShopifySettings],
        clock: Callable[[], float],
        bucket: CostBucket,
    ) -> None:
        self._wire = wire
        self._settings = settings
        self._clock = clock
        self._bucket = bucket
        self._costs: dict[str, float] = {}
        self._in_flight = 0.0
        self._grant = ClientCredentials(self._ask_token, clock)

    async def run(
        self, document: Document, variables: Mapping[str, Any], deadline: float | None = None
    ) -> dict[str, Any]:
        """The answer's `data`. Waits for cost points only until `deadline`; raises UpstreamError.

        Repeats nothing but what was certainly not carried out: a refused token, a throttled call.
        """
        until = self._clock() + _LONGEST_WAIT if deadline is None else deadline
        renewed = False
        while True:
            settings = self._settings()
            static = settings.shopify_access_token
            token = (
                await self._token_by(document, until)
                if static is None
                else static.get_secret_value()
            )
            answer = await self._post(
                document, variables, settings, token, until, bounded=deadline is not None
            )
            if answer.status in {401, 403} and not renewed and static is None:
                self._grant.reject(token)
                renewed = True
                continue
            body = _body(answer)
            codes = _codes(body["errors"]) if body.get("errors") else set[str]()
            wait = self._throttled(document, body, codes)
            if wait is None:
                return _data(document, answer, body, codes)
            if self._clock() + wait >= until:
                raise _used_up(document, self._bucket.put_off(wait))
            await asyncio.sleep(wait)

    async def _token_by(self, document: Document, until: float) -> str:
        try:
            async with asyncio.timeout_at(until):
                return await self._grant.token()
        except TimeoutError:
            raise UpstreamError(
                SYSTEM, document.name, ErrorClass.TIMEOUT, "no token in time", applied=False
            ) from None

    async def _ask_token(self) -> Grant:
        settings = self._settings()
        secret = settings.shopify_client_secret
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.shopify_client_id or "",
            "client_secret": secret.get_secret_value() if secret else "",
        }
        answer = await self._wire.send(
            Call(
                SYSTEM,
                "token",
                Access.READ,
                "POST",
                f"{settings.base_url}/admin/oauth/access_token",
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                },
                body=urlencode(form).encode(),
                introduces=True,
            )
        )
        return grant_of(answer, f"Shopify gives no token: check {_CREDENTIALS}")

    async def _post(
        self,
        document: Document,
        variables: Mapping[str, Any],
        settings: ShopifySettings,
        token: str,
        until: float,
        *,
        bounded: bool,
    ) -> UpstreamAnswer:
        cost = self._costs.get(document.name, document.cost)
        wait = await self._bucket.take_by(until, cost)
        if wait is not None:
            raise _used_up(document, max(1.0, wait))
        self._in_flight += cost
        try:
            return await self._wire.send(
                Call(
                    SYSTEM,
                    document.name,
                    document.access,
                    "POST",
                    f"{settings.base_url}/admin/api/{settings.shopify_api_version}/graphql.json",
                    headers={
                        "X-Shopify-Access-Token": token,
                        "Content-Type": "application/json",
                        "Accept": "application/json",
                    },
                    body=orjson.dumps({"query": document.text, "variables": variables}),
                    timeout=max(0.05, until - self._clock()) if bounded else None,
                    introduces=document is IDENTITY,
                )
            )
        finally:
            self._in_flight -= cost

    def _throttled(
        self, document: Document, body: Mapping[str, Any], codes: set[str]
    ) -> float | None:
        """Seconds to wait if this call was throttled (HTTP 200 with THROTTLED); None if not."""
        cost = _Cost.read(body, document)
        self._costs[document.name] = cost.requested
        self._bucket.spent(cost.actual)
        if cost.maximum:
            self._bucket.learn(cost.maximum, cost.available, cost.restore, self._in_flight)
        if "THROTTLED" not in codes:
            return None
        return max(0.1, (cost.requested - cost.available) / (cost.restore or 50.0))


def _body(answer: UpstreamAnswer) -> dict[str, Any]:
    if answer.status != 200:
        raise answer.error()
    body = answer.json()
    if not isinstance(body, dict):
        raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a GraphQL answer")
    return body


def _data(
    document: Document, answer: UpstreamAnswer, body: Mapping[str, Any], codes: set[str]
) -> dict[str, Any]:
    data = body.get("data")
    if codes or body.get("errors") or not isinstance(data, dict):
        raise _graphql_error(document, answer, codes)
    return data


@frozen
class _Cost:
    """`extensions.cost` of an answer, in points and points a second; 0 where it says nothing.

    `actual`: what was paid, which of a throttled call is nothing.
    """

    requested: float
    actual: float
    maximum: float = 0.0
    available: float = 0.0
    restore: float = 0.0

    @classmethod
    def read(cls, body: Mapping[str, Any], document: Document) -> Self:
        try:
            cost = (body.get("extensions") or {}).get("cost") or {}
            status = cost.get("throttleStatus") or {}
            requested = float(cost.get("requestedQueryCost") or document.cost)
            return cls(
                requested,
                float(cost.get("actualQueryCost", requested) or 0),
                float(status.get("maximumAvailable") or 0),
                float(status.get("currentlyAvailable") or 0),
                float(status.get("restoreRate") or 0),
            )
        except (AttributeError, TypeError, ValueError):
            return cls(document.cost, document.cost)


def _used_up(document: Document, wait: float) -> UpstreamError:
    text = "Shopify's cost points are used up"
    kind = ErrorClass.RATE_LIMIT
    return UpstreamError(SYSTEM, document.name, kind, text, retry_after=wait, applied=False)


def _codes(errors: Any) -> set[str]:
    if not isinstance(errors, list):
        return {"UNKNOWN"}
    return {
        str((e.get("extensions") or {}).get("code") or "UNKNOWN")
        if isinstance(e, dict)
        else "UNKNOWN"
        for e in errors
    }


def _graphql_error(document: Document, answer: UpstreamAnswer, codes: set[str]) -> UpstreamError:
    """Shopify's error texts may quote what was sent, so only their codes are told."""
    unknown = None if document.access is Access.WRITE else False
    if "MAX_COST_EXCEEDED" in codes:
        return TooDear(document)
    if "ACCESS_DENIED" in codes:  # also of one field alone, beside what was carried out
        kind = ErrorClass.AUTH
        scope = document.scope or (
            "write_customers" if document.access is Access.WRITE else "read_customers"
        )
        text = (
            f"access denied: the app lacks a scope (here {scope}) or the approval for protected "
            "customer data"
        )
    elif codes & {"INTERNAL_SERVER_ERROR", "TIMEOUT"}:
        kind, text = ErrorClass.UNAVAILABLE, "internal error at Shopify"
    else:
        kind = ErrorClass.UNEXPECTED
        text = "errors in the answer: " + ", ".join(sorted(codes) or ["no data"])
    return UpstreamError(
        SYSTEM,
        document.name,
        kind,
        text,
        status=answer.status,
        applied=unknown,
        reason=reason_of(", ".join(sorted(codes)), ()),
    )
