"""What answers at an address before it is known who is active, and hands on to that once it is.

A request that comes during a hand-over waits a little, and is served as if there had been none.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web

from gateway.http.access import CallerAccess
from gateway.http.keys import ACCESS
from gateway.http.middleware import Handler
from gateway.http.server import LARGEST_BODY

__all__ = ["GATEWAY", "HOLD", "Front"]

HOLD = 3.0
"""Seconds that a request waits while one gateway follows another."""
_LOOK = 0.1
GATEWAY = "X-Gateway"
"""The header by which a command names the gateway that it means."""
_PROBES = {"/healthz", "/readyz", "/metrics"}


class Front:
    """`standing_by` makes the answer while another gateway is active, `is_changing()` says whether
    that is about to end.
    """

    def __init__(
        self,
        standing_by: Callable[[web.Request], web.StreamResponse],
        is_changing: Callable[[], Awaitable[bool]],
        access: CallerAccess,
    ) -> None:
        self._standing_by = standing_by
        self._is_changing = is_changing
        self._inner: web.Application | None = None
        self._control: tuple[str, web.Application] | None = None
        self._is_active = asyncio.Event()
        self.application = web.Application(
            middlewares=(self._answer,), client_max_size=LARGEST_BODY
        )
        self.application[ACCESS] = access

    @asynccontextmanager
    async def active(
        self, inner: web.Application, control: tuple[str, web.Application] | None = None
    ) -> AsyncIterator[None]:
        """`inner` answers. `control`: a key, and what answers whoever shows it."""
        runners = [web.AppRunner(inner)]
        runners += [web.AppRunner(control[1])] if control else []
        for runner in runners:
            await runner.setup()
        self._inner, self._control = inner, control
        self._is_active.set()
        try:
            yield
        finally:
            self._inner = self._control = None
            self._is_active.clear()
            for runner in runners:
                await runner.cleanup()

    @web.middleware
    async def _answer(
        self,
        request: web.Request,
        handler: Handler,  # noqa: ARG002 - the outer one knows nothing
    ) -> web.StreamResponse:
        if self._inner is None and request.path not in _PROBES:
            await self._wait()
        inner = self._inner
        if inner is None:
            return self._standing_by(request)
        if self._control is not None and _shows(request, self._control[0]):
            inner = self._control[1]
        return await _handed_on(inner, request)

    async def _wait(self) -> None:
        """While it is likely that this one is active in a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HOLD):
                while self._inner is None and await self._is_changing():
                    await self._active_soon()

    async def _active_soon(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK):
                await self._is_active.wait()


async def _handed_on(inner: Any, request: Any) -> web.StreamResponse:
    """As if it had come to this application: aiohttp has no public words for that."""
    request._cache.pop("match_info", None)  # noqa: SLF001
    answer: web.StreamResponse = await inner._handle(request)  # noqa: SLF001
    return answer


def _shows(request: web.Request, key: str) -> bool:
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), key.encode())
