"""PATCH /v1/customers/{shopify_customer_id}."""

from aiohttp import web

from gateway.customer import numeric_id
from gateway.http.forms.profile_change import read_change
from gateway.http.forms.registration import FormError, NotJsonError, parse_json
from gateway.http.keys import CORE
from gateway.http.limiting import too_often
from gateway.http.middleware import read_body, respond
from gateway.responses.bodies import problem
from gateway.wording import Detail

__all__ = ["routes"]

routes = web.RouteTableDef()


# A gid holds slashes; where the caller did not encode them the rest of the path is the id.
@routes.patch("/v1/customers/{shopify_customer_id:.+}")
async def change(request: web.Request) -> web.Response:
    if request.content_type != "application/json":
        return respond(problem(415, "unsupported-media-type", Detail.SEND_CHANGES))
    if refusal := too_often(request):
        return respond(refusal)
    raw = await read_body(request)
    try:
        customer_id = numeric_id(request.match_info["shopify_customer_id"])
    except ValueError:
        return respond(problem(404, "not-found", Detail.CUSTOMER_ID))
    try:
        form = read_change(parse_json(raw))
    except NotJsonError as error:
        return respond(problem(400, "not-json", error.detail))
    except FormError as error:
        return respond(problem(422, "invalid-data", Detail.FIELDS_WRONG, errors=error.errors))
    changes, verified = form.changes(), form.email_verified
    core = request.app[CORE]
    return respond(await core.profile_changes.change(customer_id, changes, email_verified=verified))
