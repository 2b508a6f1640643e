"""Around every request: an id, the caller's key, problems instead of tracebacks, one log line."""

import asyncio
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.answers import Answer, problem
from gateway.errors import StorageError
from gateway.http.access import LOOPBACK
from gateway.http.keys import ACCESS, CORE
from gateway.settings import is_loopback

__all__ = ["CALLER", "MIDDLEWARES", "read_body", "respond"]

log = logging.getLogger("gateway.http")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CALLER: web.RequestKey[str] = web.RequestKey("caller", str)
_REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
_BODY_TIME = 30.0
"""Seconds for a body of 64 KiB at most; half a request is not kept for ever."""
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def respond(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers=answer.headers,
        content_type="application/problem+json" if answer.is_problem else "application/json",
        charset=None if answer.is_problem else "utf-8",
    )


async def read_body(request: web.Request) -> bytes:
    """The whole body; a caller who does not finish it is answered 408."""
    if request.content.is_eof():
        return await request.read()
    try:
        async with asyncio.timeout(_BODY_TIME):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


@web.middleware
async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Id, log line and count. The log has the route's pattern, never the path or its query."""
    given = request.headers.get("X-Request-Id", "")
    request_id = given if _PLAIN_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
    request[_REQUEST_ID] = request_id
    began = time.perf_counter()
    response = await handler(request)
    if not response.prepared:
        response.headers["X-Request-Id"] = request_id
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "unmatched"
    seconds = time.perf_counter() - began
    request.app[CORE].metrics.requests.labels(route, request.method, str(response.status)).inc()
    if route != "/healthz":
        log.info(
            "%s %s %d %.0f ms id=%s",
            request.method,
            route,
            response.status,
            seconds * 1000,
            request_id,
        )
    return response


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever is raised becomes RFC 9457; a bug of ours is logged, and told as no more."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return respond(problem(413, "too-large", "The body should be 64 KiB at most."))
    except web.RequestPayloadError:
        return respond(problem(400, "not-json", "The body could not be read."))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = problem(
            error.status, _slug(error.reason), _DETAILS.get(error.status, error.reason)
        )
        response = respond(answer)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except StorageError as error:
        log.error("%s (%s)", error, error.hint)
        text = "The gateway cannot use its database right now; its log says how to mend it."
        return respond(problem(503, "storage-unavailable", text, retry_after=10))
    except Exception:
        log.exception("a request broke the gateway")
        return respond(
            problem(500, "internal-error", "An error of the gateway itself; see its log.")
        )


_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address takes another method.",
    408: "The body did not arrive in time.",
}


def _slug(reason: str) -> str:
    return re.sub(r"[^a-z]+", "-", reason.lower()).strip("-")


@web.middleware
async def keys(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Everything under /v1 wants a bearer key."""
    if not request.path.startswith("/v1"):
        return await handler(request)
    caller = request.app[ACCESS].caller(request.headers.get("Authorization", ""))
    if caller is None:
        answer = problem(401, "unauthorized", "Send Authorization: Bearer KEY with a known key.")
        response = respond(answer)
        response.headers["WWW-Authenticate"] = 'Bearer realm="registration gateway"'
        return response
    if caller == LOOPBACK and not is_loopback(request.url.host or ""):
        # Without a key only this machine's own programs may call, not a page in its browser.
        text = "Without GATEWAY_API_KEYS the gateway answers to a loopback address only."
        return respond(problem(403, "forbidden", text))
    request[CALLER] = caller
    return await handler(request)


MIDDLEWARES = (watch, problems, keys)
