"""POST /v1/registrations, also to validate alone, and GET /v1/registrations/{id}."""

import time

from aiohttp import web

from gateway.app.identity import SHOP
from gateway.http.forms.refused import refused_body
from gateway.http.forms.registration import (
    FormError,
    NotJsonError,
    RegistrationForm,
    parse_json,
    read_form,
)
from gateway.http.keys import CORE
from gateway.http.limiting import too_often
from gateway.http.middleware import CALLER, read_body, respond
from gateway.http.preferences import prefers
from gateway.registration.intent import SignUp
from gateway.responses.bodies import Answer, problem, valid
from gateway.responses.problems import another_shop
from gateway.shopify.placing import unfit
from gateway.wording import Detail, Fault

__all__ = ["idempotency_key", "routes"]

routes = web.RouteTableDef()


@routes.post("/v1/registrations")
async def create(request: web.Request) -> web.Response:
    if request.content_type != "application/json":
        return respond(problem(415, "unsupported-media-type", Detail.SEND_REGISTRATION))
    key = idempotency_key(request)
    if isinstance(key, Answer):
        return respond(key)
    if refusal := too_often(request):
        return respond(refusal)
    raw = await read_body(request)
    began = time.perf_counter()
    try:
        only_validates = _only_validates(request)
        form = read_form(parse_json(raw), RegistrationForm)
    except (NotJsonError, FormError) as error:
        return respond(refused_body(error))
    profile = form.profile()
    if only_validates:
        return respond(valid(profile, unfit(profile)))
    later = prefers(request.headers, "respond-async")
    sign_up = SignUp(
        profile, form.email_verified, f"{request[CALLER]}:{key}" if key else None, later
    )
    core = request.app[CORE]
    if core.identities.difference(SHOP):
        return respond(another_shop())
    answer = await core.registrar.register(sign_up)
    core.metrics.registered(time.perf_counter() - began)
    response = respond(answer)
    if later and answer.status == 202:
        response.headers["Preference-Applied"] = "respond-async"
    return response


def idempotency_key(request: web.Request) -> str | Answer | None:
    """The key as the caller sent it, or a problem if it is not a valid one."""
    key = request.headers.get("Idempotency-Key")
    if key is None or (0 < len(key) <= 255 and all(" " <= c <= "~" for c in key)):
        return key
    return problem(400, "invalid-idempotency-key", Detail.IDEMPOTENCY_KEY)


def _only_validates(request: web.Request) -> bool:
    """`?validate=true`. A slip in its value must not register anybody: FormError."""
    given = set(request.query.getall("validate", ())) if request.query_string else set()
    if given - {"true", "false"} or len(given) > 1:
        raise FormError([Fault.CHOICE.at("validate", choices="true, false")])
    return "true" in given


@routes.get("/v1/registrations/{id}")
async def show(request: web.Request) -> web.Response:
    answer = await request.app[CORE].status.shown(request.match_info["id"])
    if answer is None:
        return respond(problem(404, "not-found", Detail.NO_REGISTRATION))
    return respond(answer)
