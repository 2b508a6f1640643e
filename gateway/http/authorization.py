"""Who may call what: the storefront, operators, monitoring, and without a key this machine.

A gateway without a key listens on loopback, where every page in this machine's browser can reach it
too. So it checks the `Host`, and what a browser says about the page (Fetch Metadata).
"""

from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web

from gateway.http.keys import ACCESS
from gateway.http.middleware import CALLER, Handler, respond
from gateway.responses.bodies import Answer, problem
from gateway.settings import is_loopback
from gateway.wording import Detail

__all__ = ["keys", "no_metrics"]

_OPERATORS = "/v1/deliveries"
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_OUR_PAGES = {None, "same-origin", "none"}
"""Values of `Sec-Fetch-Site` that no foreign page sends: no browser, our own page, or a typed
address.
"""


@web.middleware
async def keys(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Checks everything under /v1, and the metrics; webhooks have their own proof."""
    refusal = _refusal(request)
    if refusal is None:
        return await handler(request)
    response = respond(refusal)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="registration gateway"'
    return response


def _refusal(request: web.Request) -> Answer | None:
    path = request.path
    if not path.startswith("/v1") and path != "/metrics":
        return None
    if path.startswith(_OPERATORS):
        return _no_operator(request)
    access = request.app[ACCESS]
    if access.is_keyless and (foreign := _foreign(request)) is not None:
        return foreign
    if path == "/metrics":
        return no_metrics(request)
    caller = access.caller(_authorization(request))
    if caller is None:
        return _unauthorized()
    request[CALLER] = caller
    return None


def _foreign(request: web.Request) -> Answer | None:
    """Without a key only this machine's own programs may call, not a page in its browser."""
    if not is_loopback(_name(request.host)):
        return _forbidden(Detail.LOOPBACK_ONLY)
    headers = request.headers
    origin = headers.get("Origin")
    ours = origin is None or origin.lower() == f"http://{request.host.lower()}"
    if not ours or headers.get("Sec-Fetch-Site") not in _OUR_PAGES:
        return _forbidden(Detail.NO_FOREIGN_PAGE)
    if request.method == "POST" and request.content_type != "application/json":
        return problem(415, "unsupported-media-type", Detail.SEND_JSON)
    return None


@lru_cache(64)
def _name(host: str) -> str:
    """Of a Host header, without the port; empty where it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _no_operator(request: web.Request) -> Answer | None:
    access, given = request.app[ACCESS], _authorization(request)
    operator = access.operator(given)
    if operator is not None:
        request[CALLER] = operator
        return None
    if access.caller(given) is None:
        return _unauthorized()
    if not access.has_operators:
        return _forbidden(Detail.NO_OPERATORS)
    return _unauthorized() if access.is_keyless else _forbidden(Detail.NO_DELIVERIES)


def no_metrics(request: web.Request) -> Answer | None:
    access = request.app[ACCESS]
    if access.may_measure(_authorization(request), is_local=_is_local(request)):
        return None
    if access.has_metrics_key:
        return _unauthorized()
    return _forbidden(Detail.NO_METRICS)


def _is_local(request: web.Request) -> bool:
    """From this machine and to it, and not through a proxy that says so."""
    return (
        is_loopback(request.remote or "")
        and is_loopback(_name(request.host))
        and not any(name in request.headers for name in _FORWARDED)
    )


def _authorization(request: web.Request) -> str:
    return request.headers.get("Authorization", "")


def _unauthorized() -> Answer:
    return problem(401, "unauthorized", Detail.BEARER)


def _forbidden(detail: Detail) -> Answer:
    return problem(403, "forbidden", detail)
