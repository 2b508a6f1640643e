"""In and out: signing in, the language, and what pages are made of."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.console.language import LANGUAGES
from gateway.console.package_files import static_files
from gateway.console.record import record
from gateway.console.rendering import render, see_other
from gateway.console.roles import Role
from gateway.console.visit import (
    DESK,
    LANGUAGE,
    PREFIX,
    SESSION,
    VISIT,
    VISITOR,
    address_of,
    own_page,
    remember,
    signed_in,
)
from gateway.settings.passwords import LONGEST

__all__ = ["let_in", "routes"]

log = logging.getLogger("gateway.console")

routes = web.RouteTableDef()

_TYPES = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
_YEAR = 365 * 86400.0
_DAY = 86400.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@routes.get("/login")
async def ask(request: web.Request) -> web.StreamResponse:
    if request[VISIT].session is not None:
        return see_other(own_page(request.query.get("back")))
    return _form(request)


def _form(
    request: web.Request, *, wrong: bool = False, wait: float = 0.0, status: int = 200
) -> web.Response:
    visit = request[VISIT]
    back = own_page(request.query.get("back"))
    page = render(request, "login.html", {"wrong": wrong, "wait": wait, "back": back}, status)
    remember(request, page, VISITOR, visit.visitor, _DAY)
    if wait:
        page.headers["Retry-After"] = str(int(wait) + 1)
    return page


@routes.post("/login")
async def sign_in(request: web.Request) -> web.StreamResponse:
    desk, address = request.app[DESK], address_of(request)
    if wait := desk.brake.wait(address):
        return _form(request, wait=wait, status=429)
    desk.brake.begin(address)
    password = str((await request.post()).get("password", ""))
    role = await desk.passwords.role_of(password) if len(password) <= LONGEST else None
    if role is None:
        log.warning("console: a wrong password")
        return _form(request, wrong=True, wait=desk.brake.wait(address), status=403)
    desk.brake.right(address)
    return await _open(request, see_other(own_page(request.query.get("back"))), role)


async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The demo's visitor, without a password."""
    visit, desk = request[VISIT], request.app[DESK]
    visit.session = desk.sessions.open(Role.ADMIN)
    response = await handler(request)
    signed_in(request, response, visit.session)
    return response


async def _open(request: web.Request, response: web.Response, role: Role) -> web.Response:
    visit = request[VISIT]
    visit.session = request.app[DESK].sessions.open(role)
    await record(request, "sign_in")
    signed_in(request, response, visit.session)
    return response


@routes.post("/logout")
async def sign_out(request: web.Request) -> web.StreamResponse:
    session = request[VISIT].session
    if session is not None:
        request.app[DESK].sessions.close(session)
    response = see_other("/login")
    response.del_cookie(SESSION, path=PREFIX)
    return response


@routes.get("/language/{code}")
async def choose_language(request: web.Request) -> web.StreamResponse:
    """Back to where the switch was; only to a page of ours."""
    code = request.match_info["code"]
    if code not in LANGUAGES:
        raise web.HTTPNotFound
    response = see_other(own_page(request.query.get("back")))
    remember(request, response, LANGUAGE, code, _YEAR)
    return response


@routes.get("/static/{name}")
async def static(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in _TYPES:
        raise web.HTTPNotFound
    return web.Response(body=static_files()[name], content_type=_TYPES[name], charset="utf-8")
