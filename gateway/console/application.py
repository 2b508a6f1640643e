"""The console as an application: its pages, its headers, and who is let in."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlencode

from aiohttp import web

from gateway.app import Core
from gateway.console.brake import Brake
from gateway.console.flag_times import FlagTimes
from gateway.console.jobs import Jobs
from gateway.console.language import language_of
from gateway.console.package_files import static_files, templates
from gateway.console.pages import deliveries, duplicates, entry, flags, jobs, people, points, start
from gateway.console.pages import log as actions
from gateway.console.rendering import render, see_other
from gateway.console.roles import Passwords
from gateway.console.sessions import Sessions
from gateway.console.visit import (
    DESK,
    LANGUAGE,
    PREFIX,
    SESSION,
    VISIT,
    Desk,
    Visit,
    own_page,
    visitor_of,
)
from gateway.errors import CommandRefused, StorageError
from gateway.http.keys import CORE
from gateway.http.middleware import HungUp, keep_body
from gateway.settings import is_loopback

__all__ = ["console_application"]

log = logging.getLogger("gateway.console")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_FORM = "application/x-www-form-urlencoded"
_ASKING = {"/deliveries/act", "/duplicates/look", "/people/find"}
"""Forms that change nothing."""
_ANYBODY = ("/login", "/static/", "/language/")


def console_application(core: Core, *, is_open: bool = False) -> web.Application:
    """To be mounted at /admin. `is_open`: without a password, for the demo on loopback."""
    templates()
    static_files()
    passwords = Passwords(lambda: core.live.current.gateway, is_open=is_open)
    app = web.Application(middlewares=(_dressed, _known, _checked))
    app.on_response_prepare.append(_headers)
    app[CORE], background = core, core.runtime.background
    app[DESK] = Desk(
        Sessions(core.keys, passwords),
        passwords,
        Brake(),
        Jobs(partial(background.keep, name="a run of the console"), core.runtime.clock),
        FlagTimes(core.live, core.runtime.clock),
    )
    for room in (entry, start, deliveries, jobs, people, duplicates, points, flags, actions):
        app.add_routes(room.routes)
    return app


async def _headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.headers["Server"] = "gateway"


@web.middleware
async def _dressed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong is a page, in words, and says nothing that was sent."""
    desk = request.app[DESK]
    chosen, accepts = request.cookies.get(LANGUAGE), request.headers.get("Accept-Language", "")
    language = language_of(chosen, accepts[:200])
    request[VISIT] = Visit(None, "", language, desk.sessions)
    if not (desk.passwords.is_open or desk.passwords.exist()):
        return _wrong(request, 404)
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _wrong(request, error.status)
    except CommandRefused as error:
        return render(request, "wrong.html", {"status": 409, "text": str(error)}, 409)
    except StorageError as error:
        log.error("%s (%s)", error, error.hint)
        return _wrong(request, 503)
    except HungUp:
        raise
    except Exception:
        log.exception("a page of the console broke")
        return _wrong(request, 500)


def _wrong(request: web.Request, status: int) -> web.Response:
    return render(request, "wrong.html", {"status": status, "text": None}, status)


@web.middleware
async def _known(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who has no session is shown the way in; the demo's visitor is given one."""
    desk, visit = request.app[DESK], request[VISIT]
    _require_own_name(request, desk)
    visit.session = desk.sessions.of(request.cookies.get(SESSION, ""))
    visit.visitor = visitor_of(request)
    path = request.path.removeprefix(PREFIX)
    if visit.session is None and not path.startswith(_ANYBODY):
        if not desk.passwords.is_open:
            return _way_in(request)
        if request.method not in {"GET", "HEAD"}:
            return see_other("")
        return await entry.let_in(request, handler)
    return await handler(request)


def _way_in(request: web.Request) -> web.Response:
    """To the form, and from there back to the page.

    A link in a mail or a chat comes without the session's cookie (SameSite=Strict): a page of ours
    asks again, and then it comes.
    """
    if request.method not in {"GET", "HEAD"}:
        return see_other("/login")
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return render(request, "arrived.html")
    back = own_page(request.path_qs)
    return see_other(f"/login?{urlencode({'back': PREFIX + back})}" if back else "/login")


def _require_own_name(request: web.Request, desk: Desk) -> None:
    """The open demo answers under this machine's own name only: another may be a page's trick."""
    name = request.url.host or ""
    if desk.passwords.is_open and not is_loopback(name):
        raise web.HTTPForbidden


@web.middleware
async def _checked(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A form is one of ours, sent by this session, from this site, and for the first time."""
    if request.method in {"GET", "HEAD"}:
        return await handler(request)
    if request.content_type != _FORM:
        raise web.HTTPUnsupportedMediaType
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    ours = origin is None or origin == "null" or origin.rpartition("//")[2] == request.host
    if site not in {"same-origin", "none"} or not ours:
        raise web.HTTPForbidden
    await keep_body(request)  # within its time; what follows reads it again
    form = await request.post()
    token = str(form.get("token", ""))
    desk, visit = request.app[DESK], request[VISIT]
    if visit.session is None:
        is_new = desk.sessions.visitor(visit.visitor).number(token) is not None
        if not is_new:
            raise web.HTTPForbidden
        return await handler(request)
    once = request.path.removeprefix(PREFIX) not in _ASKING
    used = desk.sessions.use(visit.session, token, once=once)
    if used is None:
        raise web.HTTPForbidden
    if not used:
        return render(request, "sent.html", status=409)
    return await handler(request)
