"""Around every request: an id, the caller's key, problems instead of tracebacks, one log line."""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.background import request_id
from gateway.errors import StorageError
from gateway.http.keys import CORE
from gateway.responses.bodies import Answer, problem
from gateway.telemetry.logs import tell
from gateway.wording import Detail, Text, preferred

__all__ = [
    "CALLER",
    "Handler",
    "HungUp",
    "keep_body",
    "problems",
    "read_body",
    "respond",
    "translate",
    "watch",
]

log = logging.getLogger("gateway.http")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CALLER: web.RequestKey[str] = web.RequestKey("caller", str)
_NAMED = 8
"""Characters of a caller's name that stand in the log: they tell its key from the others."""
_BODY_TIME = 30.0
"""Seconds for a body of 64 KiB at most."""
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_CLOSED = 499
"""The status in the log if the caller is gone and cannot be answered (nginx's number)."""


class HungUp(Exception):  # noqa: N818 - no error of ours
    """The caller closed the connection in the middle of a body."""


class Reply(web.Response):
    """An answer on its way."""

    def __init__(self, answer: Answer) -> None:
        problem, usual = "application/problem+json", "application/json; charset=utf-8"
        headers = {"Content-Type": problem if answer.is_problem else usual, **answer.headers}
        super().__init__(status=answer.status, body=answer.body, headers=headers)
        self.answer = answer


def respond(answer: Answer) -> web.Response:
    return Reply(answer)


def translate(request: web.Request, response: web.StreamResponse) -> None:
    """The one place that looks at `Accept-Language`: only for an answer that has sentences."""
    if not isinstance(response, Reply) or response.answer.japanese is None:
        return
    language = preferred(request.headers.get("Accept-Language", ""))
    if language == "ja":
        response.body = response.answer.japanese()
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language"


async def read_body(request: web.Request) -> bytes:
    """The whole body; a caller who does not finish it is answered 408. HungUp if they close."""
    if not request.content.is_eof():
        return await keep_body(request)
    try:
        whole = request.content.read_nowait()
    except ConnectionError:
        raise HungUp from None
    if len(whole) > request.client_max_size:
        raise web.HTTPRequestEntityTooLarge(request.client_max_size)
    return whole


async def keep_body(request: web.Request) -> bytes:
    """The same, and who reads the request's body again finds it."""
    if (request.content_length or 0) > request.client_max_size and not request.content.is_eof():
        raise web.HTTPRequestEntityTooLarge(request.client_max_size)
    try:
        async with asyncio.timeout(_BODY_TIME):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except ConnectionError:
        raise HungUp from None


@web.middleware
async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Id, log line and count. The log has the route's pattern, never the path or its query."""
    given = request.headers.get("X-Request-Id")
    ours = secrets.token_hex(8)
    request_id.set(ours)  # the connection's next request sets it anew
    began = time.perf_counter()
    response = await handler(request)
    translate(request, response)
    theirs = given if given and _PLAIN_ID.fullmatch(given) else None
    if not response.prepared:
        response.headers["X-Request-Id"] = ours
        if theirs:
            response.headers["X-Client-Request-Id"] = theirs
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "unmatched"
    method = request.method if request.method in _METHODS else "other"
    seconds, status = time.perf_counter() - began, response.status
    if status != _CLOSED:
        request.app[CORE].metrics.answered(route, method, status)
    if route != "/healthz":
        took, caller = round(seconds * 1000), request.get(CALLER)
        answer = response.answer if isinstance(response, Reply) else None
        about = {
            "caller": caller[:_NAMED] if caller else None,
            "registration_id": answer.registration_id if answer else None,
            "delivery_ids": (answer.delivery_ids or None) if answer else None,
            "client_request_id": theirs,
            "duration_ms": took,
            "method": method,
            "route": route,
            "status": status,
        }
        tell(log, logging.INFO, "%s %s %d %d ms", (method, route, status, took), about)
    return response


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
"""One of a closed set, since a metric's label is kept for ever."""


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever is raised becomes a problem (RFC 9457); a bug of ours is logged, and not shown."""
    try:
        # An inflated body may be a thousand times as large, so none is inflated.
        if request.headers.get("Content-Encoding", "identity").lower() == "identity":
            return await handler(request)
        return respond(problem(415, "unsupported-media-type", Detail.UNCOMPRESSED))
    except HungUp:
        request.app[CORE].metrics.connection_ended("dropped")
        return web.Response(status=_CLOSED)
    except web.HTTPRequestEntityTooLarge:
        return respond(problem(413, "too-large", Detail.BODY_TOO_LARGE))
    except web.RequestPayloadError:
        return respond(problem(400, "not-json", Detail.UNREADABLE_BODY))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        detail = _DETAILS.get(error.status) or Text.english(error.reason)
        response = respond(problem(error.status, _slug(error.reason), detail))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except StorageError as error:
        log.error("%s (%s)", error, error.hint)
        unusable = Detail.DATABASE_UNUSABLE
        return respond(problem(503, "storage-unavailable", unusable, retry_after=10))
    except Exception:
        log.exception("a request broke the gateway")
        return respond(problem(500, "internal-error", Detail.BROKEN))


_DETAILS = {
    404: Detail.NOTHING_HERE,
    405: Detail.OTHER_METHOD,
    408: Detail.BODY_TOO_SLOW,
}


def _slug(reason: str) -> str:
    return re.sub(r"[^a-z]+", "-", reason.lower()).strip("-")
