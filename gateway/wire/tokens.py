"""Access tokens of the client-credentials grant: asked for once, shared, renewed a little early."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.errors import ErrorClass, UpstreamError

__all__ = ["ClientCredentials"]

EARLY = 60.0
"""Seconds before its end at which a token is renewed."""


class ClientCredentials:
    """Keeps one token. `ask()` fetches (token, seconds it lives); `clock` is monotonic.

    Callers that need a token at the same time share one request.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[tuple[str, float]]], clock: Callable[[], float]
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        if self._token and self._clock() < self._until:
            return self._token
        async with self._lock:
            if not self._token or self._clock() >= self._until:
                self._token, seconds = await self._ask()
                early = min(EARLY, seconds / 10)
                self._until = self._clock() + max(0.0, seconds - early)
            return self._token

    def reject(self, token: str) -> None:
        """The upstream answered 401 to this token: the next call asks for another."""
        if token == self._token:
            self._token = ""


def parse_token(system: str, payload: object) -> tuple[str, float]:
    """(token, seconds) of a token answer (RFC 6749, 5.1)."""
    if isinstance(payload, dict) and payload.get("access_token"):
        try:
            return str(payload["access_token"]), float(payload.get("expires_in") or 3600)
        except (TypeError, ValueError):
            pass
    raise UpstreamError(
        system, "token", ErrorClass.UNEXPECTED, "the answer holds no access_token", applied=False
    )
