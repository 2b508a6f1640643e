"""POST /webhooks/shopify and /webhooks/smaregi: proven, persisted, answered; the work follows.

There is no bearer key here: the signature, or the header's value, is the proof. Shopify's signature
covers the body, so even a stranger's body has to be read. What can be checked without the body is
checked first, and few bodies are read at the same time.
"""

import asyncio
from collections.abc import Callable

from aiohttp import web

from gateway import frozen
from gateway.errors import StorageError
from gateway.http.keys import CORE
from gateway.http.middleware import HungUp, read_body, respond
from gateway.points import OrderNotice
from gateway.responses.bodies import Answer, problem
from gateway.sync.webhooks import (
    MalformedError,
    NewEvent,
    could_be_shopifys,
    is_of_concern,
    is_shopifys,
    is_smaregis,
    shopify_event,
    smaregi_event,
)
from gateway.wording import Detail

__all__ = ["BODIES", "Bodies", "routes"]

LARGEST = 256 * 1024
"""Bytes of a webhook; a customer with every address is a tenth of it."""
BODY_SECONDS = 5.0
AT_ONCE = 64
"""Bodies that are read at the same time, which also limits the memory for them."""

routes = web.RouteTableDef()


@frozen
class _Source:
    """`is_genuine(raw)` proves the sender; `read(raw)` says what it is about."""

    name: str
    is_genuine: Callable[[bytes], bool]
    read: Callable[[bytes], NewEvent | OrderNotice | None]


@routes.post("/webhooks/shopify")
async def shopify(request: web.Request) -> web.Response:
    settings = request.app[CORE].live.current.shopify
    headers, secret = request.headers, settings.webhook_secret
    signature = headers.get("X-Shopify-Hmac-Sha256", "")
    if secret is None:
        return _not_configured("Shopify", "SHOPIFY_WEBHOOK_SECRET")
    if not could_be_shopifys(signature):
        return _forged(request, "shopify")
    if not is_of_concern(headers.get("X-Shopify-Topic", "")):
        request.app[CORE].metrics.event("shopify", "", "ignored")
        return respond(Answer(200, b"{}"))
    return await _take(
        request,
        _Source(
            "shopify",
            lambda raw: is_shopifys(raw, signature, secret.get_secret_value()),
            lambda raw: shopify_event(headers, raw, settings.shopify_store or ""),
        ),
    )


@routes.post("/webhooks/smaregi")
async def smaregi(request: web.Request) -> web.Response:
    settings = request.app[CORE].live.current.smaregi
    headers, secret = request.headers, settings.smaregi_webhook_secret
    if secret is None:
        return _not_configured("Smaregi", "SMAREGI_WEBHOOK_SECRET")
    if not is_smaregis(headers.items(), secret.get_secret_value()):
        return _forged(request, "smaregi")
    return await _take(
        request,
        _Source(
            "smaregi",
            lambda _: True,
            lambda raw: smaregi_event(headers, raw, settings.smaregi_contract_id or ""),
        ),
    )


def _not_configured(name: str, setting: str) -> web.Response:
    detail = Detail.NOBODYS_WEBHOOK.text.within(setting=setting, name=name)
    return respond(problem(503, "not-configured", detail, retry_after=600))


def _forged(request: web.Request, source: str) -> web.Response:
    request.app[CORE].metrics.event(source, "", "forged")
    return respond(problem(401, "unauthorized", Detail.NOT_PROVEN_SENDER))


class Bodies:
    """Reads a limited number at the same time. A body that arrives whole is done at once; if there
    are too many, the one that has taken longest is given up for the newest.
    """

    def __init__(self) -> None:
        self._reading: dict[asyncio.Timeout, None] = {}

    async def read(self, request: web.Request) -> bytes:
        """At most LARGEST bytes within BODY_SECONDS; HTTPRequestTimeout if it is given up."""
        while len(self._reading) >= AT_ONCE:
            slowest = next(iter(self._reading))
            del self._reading[slowest]
            if not slowest.expired():
                slowest.reschedule(asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(BODY_SECONDS) as turn:
                self._reading[turn] = None
                try:
                    return await read_body(request.clone(client_max_size=LARGEST))
                finally:
                    self._reading.pop(turn, None)
        except TimeoutError:
            raise web.HTTPRequestTimeout from None


BODIES: web.AppKey[Bodies] = web.AppKey("bodies", Bodies)


async def _take(request: web.Request, source: _Source) -> web.Response:
    core = request.app[CORE]
    metrics = core.metrics
    if core.identities.difference(source.name):
        detail = Detail.OTHER_SIDE.text.within(name=source.name.capitalize())
        return respond(problem(503, "not-accepted", detail, retry_after=600))
    try:
        raw = await request.app[BODIES].read(request)
    except web.HTTPRequestEntityTooLarge:
        metrics.event(source.name, "", "malformed")
        return respond(problem(413, "too-large", Detail.WEBHOOK_TOO_LARGE))
    except (web.HTTPRequestTimeout, HungUp):
        metrics.event(source.name, "", "refused")
        raise
    if not source.is_genuine(raw):
        return _forged(request, source.name)
    try:
        event = source.read(raw)
    except MalformedError as error:
        metrics.event(source.name, "", "malformed")
        detail = Detail.NO_WEBHOOK.text.within(reason=error)
        return respond(problem(400, "malformed", detail))
    await _keep(request, source.name, event)
    return respond(Answer(200, b"{}"))


async def _keep(request: web.Request, source: str, event: NewEvent | OrderNotice | None) -> None:
    """Stores it: on disk when this returns. StorageError becomes 503, and the sender repeats."""
    core = request.app[CORE]
    if event is None:
        core.metrics.event(source, "", "ignored")
        return
    try:
        if isinstance(event, OrderNotice):
            kept = await core.points.noticed(event.order_id)
            core.metrics.event(source, event.topic, "accepted" if kept else "ignored")
            return
        fresh = await core.events.keep(event)
    except StorageError:
        core.metrics.event(source, event.topic, "refused")
        raise
    core.metrics.event(source, event.topic, "accepted" if fresh else "repeated")
