"""Around every request: an id, the caller's key, problems instead of tracebacks, one log line."""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.answers import Answer, problem
from gateway.errors import StorageError
from gateway.http.keys import ACCESS, CORE

__all__ = ["CALLER", "MIDDLEWARES", "respond"]

log = logging.getLogger("gateway.http")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CALLER: web.RequestKey[str] = web.RequestKey("caller", str)
_REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def respond(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers=answer.headers,
        content_type="application/problem+json" if answer.is_problem else "application/json",
        charset=None if answer.is_problem else "utf-8",
    )


@web.middleware
async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Id, log line and count. The log has the route's pattern, never the path or its query."""
    given = request.headers.get("X-Request-Id", "")
    request_id = given if _PLAIN_ID.fullmatch(given) else secrets.token_hex(8)
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


_DETAILS = {404: "There is nothing at this address.", 405: "This address takes another method."}


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
    request[CALLER] = caller
    return await handler(request)


MIDDLEWARES = (watch, problems, keys)
