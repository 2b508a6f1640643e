"""POST /webhooks/shopify and /webhooks/smaregi: proven, persisted, answered; the work follows.

There is no bearer key here: the signature, or the header's value, is the proof.
"""

from collections.abc import Callable

from aiohttp import web
from pydantic import SecretStr

from gateway.answers import Answer, problem
from gateway.errors import StorageError
from gateway.events import (
    MalformedError,
    NewEvent,
    is_shopifys,
    is_smaregis,
    shopify_event,
    smaregi_event,
)
from gateway.http.keys import CORE
from gateway.http.middleware import read_body, respond

__all__ = ["routes"]

LARGEST = 1024 * 1024
"""Bytes of a webhook; a customer with every address is a hundredth of it."""

routes = web.RouteTableDef()


@routes.post("/webhooks/shopify")
async def shopify(request: web.Request) -> web.Response:
    settings = request.app[CORE].live.current.shopify
    signature = request.headers.get("X-Shopify-Hmac-Sha256", "")
    return await _take(
        request,
        ("shopify", "SHOPIFY_WEBHOOK_SECRET", settings.webhook_secret),
        lambda raw, secret: is_shopifys(raw, signature, secret),
        lambda raw: shopify_event(request.headers, raw, settings.shopify_store or ""),
    )


@routes.post("/webhooks/smaregi")
async def smaregi(request: web.Request) -> web.Response:
    settings = request.app[CORE].live.current.smaregi
    return await _take(
        request,
        ("smaregi", "SMAREGI_WEBHOOK_SECRET", settings.smaregi_webhook_secret),
        lambda _, secret: is_smaregis(request.headers.items(), secret),
        lambda raw: smaregi_event(request.headers, raw, settings.smaregi_contract_id or ""),
    )


async def _take(
    request: web.Request,
    source: tuple[str, str, SecretStr | None],
    is_genuine: Callable[[bytes, str], bool],
    read: Callable[[bytes], NewEvent | None],
) -> web.Response:
    """`source`: its name, the setting of its secret, and the secret."""
    core = request.app[CORE]
    name, setting, secret = source
    if core.identities.difference(name):
        text = f"This gateway is set to another side of {name.capitalize()} than before."
        return respond(problem(503, "not-accepted", text, retry_after=600))
    if secret is None:
        text = f"{setting} is not set, so nobody can prove to be {name.capitalize()}."
        return respond(problem(503, "not-configured", text, retry_after=600))
    try:
        raw = await read_body(request.clone(client_max_size=LARGEST))
    except web.HTTPRequestEntityTooLarge:
        core.metrics.event(name, "", "malformed")
        return respond(problem(413, "too-large", "The body should be 1 MiB at most."))
    if not is_genuine(raw, secret.get_secret_value()):
        core.metrics.event(name, "", "forged")
        return respond(problem(401, "unauthorized", "The proof of the sender is missing or wrong."))
    try:
        event = read(raw)
    except MalformedError as error:
        core.metrics.event(name, "", "malformed")
        return respond(problem(400, "malformed", f"This is no webhook: {error}."))
    await _keep(request, name, event)
    return respond(Answer(200, b"{}"))


async def _keep(request: web.Request, source: str, event: NewEvent | None) -> None:
    """Durable when this returns; StorageError becomes 503, and the sender repeats."""
    core = request.app[CORE]
    if event is None:
        core.metrics.event(source, "", "ignored")
        return
    try:
        fresh = await core.events.keep(event)
    except StorageError:
        core.metrics.event(source, event.topic, "refused")
        raise
    core.metrics.event(source, event.topic, "accepted" if fresh else "repeated")
