"""Access tokens of the client-credentials grant: asked for once, shared, renewed a little early."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from gateway import frozen
from gateway.errors import ErrorClass
from gateway.wire.session import UpstreamAnswer, class_of_status

__all__ = ["ClientCredentials", "Grant", "grant_of"]

EARLY = 60.0
"""Seconds before its end at which a token is renewed."""


_OF_THE_CREDENTIALS = {ErrorClass.AUTH, ErrorClass.INVALID_DATA, ErrorClass.DUPLICATE}


@frozen
class Grant:
    """`seconds` that the token lives; `scopes` are None where the answer does not name them."""

    token: str
    seconds: float
    scopes: frozenset[str] | None = None


class ClientCredentials:
    """Keeps one token. `ask()` fetches it; `clock` is monotonic.

    Callers that need a token at the same time share one request.
    """

    def __init__(self, ask: Callable[[], Awaitable[Grant]], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._grant = Grant("", 0.0)
        self._until = 0.0
        self._lock = asyncio.Lock()

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes of the last token."""
        return self._grant.scopes

    def known(self) -> str | None:
        """The token, while it is good."""
        return self._grant.token if self._clock() < self._until else None

    async def token(self) -> str:
        if token := self.known():
            return token
        async with self._lock:
            if not self.known():
                self._grant = await self._ask()
                early = min(EARLY, self._grant.seconds / 10)
                self._until = self._clock() + max(0.0, self._grant.seconds - early)
            return self._grant.token

    def reject(self, token: str) -> None:
        """The upstream refused this token: the next call asks for another."""
        if token == self._grant.token:
            self._until = 0.0


def grant_of(answer: UpstreamAnswer, mend: str) -> Grant:
    """The token of an answer (RFC 6749, 5.1); `mend` says what to do if it is refused.

    A refused token is about the credentials and never about a customer: it is `auth`, unless the
    cause passes by itself.
    """
    if answer.status == 200:
        return _granted(answer)
    if class_of_status(answer.status) in _OF_THE_CREDENTIALS:
        raise answer.error(ErrorClass.AUTH, f"HTTP {answer.status}: {mend}")
    raise answer.error()


def _granted(answer: UpstreamAnswer) -> Grant:
    body = answer.json()
    if isinstance(body, dict) and body.get("access_token"):
        try:
            seconds = float(body.get("expires_in") or 3600)
            return Grant(str(body["access_token"]), seconds, _scopes(body.get("scope")))
        except (TypeError, ValueError):
            pass
    raise answer.error(ErrorClass.UNEXPECTED, "the answer holds no access_token")


def _scopes(text: Any) -> frozenset[str] | None:
    """Separated by spaces, or by commas as Shopify does."""
    return frozenset(re.split(r"[\s,]+", text.strip())) if isinstance(text, str) and text else None
