"""What answers at an address before it is known who is active, and hands on to that once it is.

A request that comes during a hand-over waits a little, and is served as if there had been none.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web

from gateway.http.access import CallerAccess
from gateway.http.control.named import GATEWAY, Named
from gateway.http.keys import ACCESS
from gateway.http.middleware import Handler
from gateway.http.owning import starting
from gateway.http.server import LARGEST_BODY, guard

__all__ = ["HOLD", "Front"]

HOLD = 3.0
"""Seconds that a request waits while one gateway follows another."""
_LOOK = 0.1
_PROBES = {"/healthz", "/readyz", "/metrics"}


class Front:
    """`standing_by` makes the answer while another gateway is active, `is_changing()` says whether
    that is about to end. Commands are answered where they are told by what they know it.
    """

    def __init__(
        self,
        standing_by: Callable[[web.Request], web.StreamResponse],
        is_changing: Callable[[], Awaitable[bool]],
        access: CallerAccess,
        named: Named | None = None,
    ) -> None:
        self._named = named
        self._standing_by = standing_by
        self._is_changing = is_changing
        self._inner: web.Application | None = None
        self._control: web.Application | None = None
        self._is_active = asyncio.Event()
        self.application = web.Application(
            middlewares=(self._answer,), client_max_size=LARGEST_BODY
        )
        self.application[ACCESS] = access
        self.application.on_response_prepare.append(_numbered)
        self.application.on_response_prepare.append(guard)

    @asynccontextmanager
    async def active(
        self, inner: web.Application, control: web.Application | None = None
    ) -> AsyncIterator[None]:
        """`inner` answers, and commands `control`."""
        runners = [web.AppRunner(each) for each in (inner, control) if each is not None]
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
        if self._named is not None and GATEWAY in request.headers:
            return await self._commanded(request, self._named)
        if self._inner is None and request.path not in _PROBES:
            await self._wait()
        if self._inner is None:
            return self._standing_by(request)
        return await _handed_on(self._inner, request)

    async def _commanded(self, request: web.Request, named: Named) -> web.StreamResponse:
        if (refusal := named.refusal(request)) is not None:
            return refusal
        if self._control is None:
            return starting()
        return await _handed_on(self._control, request)

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
    request._client_max_size = inner._client_max_size  # noqa: SLF001
    answer: web.StreamResponse = await inner._handle(request)  # noqa: SLF001
    return answer


async def _numbered(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Request-Id"] = secrets.token_hex(8)
