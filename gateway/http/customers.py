"""GET and PATCH /v1/customers/{shopify_customer_id}."""

from typing import Any

from aiohttp import web

from gateway.app import Core
from gateway.customer import numeric_id
from gateway.http.forms.profile_change import ChangeForm, read_change
from gateway.http.forms.refused import refused_body
from gateway.http.forms.registration import FormError, NotJsonError, parse_json
from gateway.http.keys import CORE
from gateway.http.limiting import too_often
from gateway.http.middleware import read_body, respond
from gateway.responses.bodies import problem
from gateway.shopify import differing
from gateway.sync.profile_change import ProfileChange
from gateway.wording import Detail

__all__ = ["CUSTOMER", "routes"]

routes = web.RouteTableDef()

CUSTOMER = "/v1/customers/{shopify_customer_id:(?:gid:.*Customer/)?[^/]+}"
"""A gid has slashes, which the caller need not encode."""


@routes.patch(CUSTOMER)
async def change(request: web.Request) -> web.Response:
    if request.content_type != "application/json":
        return respond(problem(415, "unsupported-media-type", Detail.SEND_CHANGES))
    if refusal := too_often(request):
        return respond(refusal)
    raw = await read_body(request)
    customer_id = _customer_id(request)
    if customer_id is None:
        return _no_id()
    core = request.app[CORE]
    try:
        body = parse_json(raw)
        form = await _form(core, customer_id, body)
    except (NotJsonError, FormError) as error:
        return respond(refused_body(error))
    asked = ProfileChange(form.changes(), body, form.email_verified)
    return respond(await core.profile_changes.change(customer_id, asked))


async def _form(core: Core, customer_id: int, body: dict[str, Any]) -> ChangeForm:
    """Shopify may hold what our rules refuse (a checkout asks for no kana): sent back as it was
    shown, it is no change, and no error either.
    """
    try:
        return read_change(body)
    except FormError:
        rest = differing(body, await core.profiles.fields(customer_id))
        if len(rest) == len(body):
            raise
    return read_change(rest)


@routes.get(CUSTOMER)
async def show(request: web.Request) -> web.Response:
    customer_id = _customer_id(request)
    if customer_id is None:
        return _no_id()
    return respond(await request.app[CORE].profiles.shown(customer_id))


def _customer_id(request: web.Request) -> int | None:
    try:
        return numeric_id(request.match_info["shopify_customer_id"])
    except ValueError:
        return None


def _no_id() -> web.Response:
    return respond(problem(404, "not-found", Detail.CUSTOMER_ID))
