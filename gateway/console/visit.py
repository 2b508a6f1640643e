"""One request's visitor: their session, their language, and the forms they may send."""

import secrets
from dataclasses import dataclass

from aiohttp import web

from gateway import frozen
from gateway.console.brake import Brake
from gateway.console.flag_times import FlagTimes
from gateway.console.jobs import Jobs
from gateway.console.language import Language
from gateway.console.roles import Passwords, Right
from gateway.console.sessions import LASTS, Session, Sessions
from gateway.http.connections import is_public

__all__ = [
    "DESK",
    "LANGUAGE",
    "PREFIX",
    "SESSION",
    "VISIT",
    "VISITOR",
    "Desk",
    "Visit",
    "address_of",
    "need",
    "own_page",
    "remember",
    "signed_in",
    "visitor_of",
]

PREFIX = "/admin"
SESSION, VISITOR, LANGUAGE = "gateway_session", "gateway_visitor", "gateway_language"
_VISITOR = 22  # characters


@frozen
class Desk:
    """What the whole console shares."""

    sessions: Sessions
    passwords: Passwords
    brake: Brake
    jobs: Jobs
    flags: FlagTimes


@dataclass(slots=True)
class Visit:
    """`visitor` is in a cookie of whoever has not signed in."""

    session: Session | None
    visitor: str
    language: Language
    sessions: Sessions

    def token(self) -> str:
        """For one form."""
        if self.session is None:
            return self.sessions.visitor(self.visitor).make()
        return self.sessions.forms(self.session).make()

    def may(self, right: str) -> bool:
        return self.session is not None and self.session.role.may(Right(right))

    @property
    def actor(self) -> str:
        return self.session.actor if self.session else "nobody"


DESK: web.AppKey[Desk] = web.AppKey("desk", Desk)
VISIT: web.RequestKey[Visit] = web.RequestKey("visit", Visit)


def need(request: web.Request, right: Right) -> Visit:
    """403 where this visitor's role may not."""
    visit = request[VISIT]
    if not visit.may(right):
        raise web.HTTPForbidden
    return visit


def own_page(path: str | None) -> str:
    """The page of ours to go back to, below /admin; the first one in place of any other address."""
    below = (path or "").removeprefix(PREFIX)
    plain = path != below and below.isprintable() and "\\" not in below
    return below if plain and below.startswith(("/", "?")) else ""


def address_of(request: web.Request) -> str:
    """Who asks. A proxy, here or in our own network, says whom it asks for, last in its list."""
    peer = request.remote or ""
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return told[:64] if told and not is_public(peer) else peer


def _is_secure(request: web.Request) -> bool:
    """Whether the browser speaks TLS, as far as we or a proxy can tell."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").strip() == "https"


def remember(
    request: web.Request, response: web.StreamResponse, name: str, value: str, seconds: float
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(seconds),
        path=PREFIX,
        httponly=True,
        samesite="Strict",
        secure=_is_secure(request),
    )


def signed_in(request: web.Request, response: web.StreamResponse, session: Session) -> None:
    cookie = request.app[DESK].sessions.cookie(session)
    remember(request, response, SESSION, cookie, LASTS)


def visitor_of(request: web.Request) -> str:
    """Whose forms these are who has not signed in; a new one where the cookie is none of ours."""
    known = request.cookies.get(VISITOR, "")
    return known if len(known) == _VISITOR and known.isascii() else secrets.token_urlsafe(16)
