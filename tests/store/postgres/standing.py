"""Gateways on one database whose time is the test's, and who beat by `Lease._one_round` alone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from gateway.store.postgres import Gateway, Lease

__all__ = ["Standing"]


@dataclass
class Standing:
    """`now`: the time that passes, of all of them."""

    url: str
    now: float = 1000.0
    names: list[str] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def new(
        self,
        *,
        address: str | None = "http://*:8080",
        secrets: Sequence[str] = ("aa",),
        url: str | None = None,
    ) -> Lease:
        name = f"{len(self.names):04x}"
        self.names.append(name)
        me = Gateway(name, f"host-{name}", address, "1.0", "c0")
        return Lease(url or self.url, me, secrets, lanes=2, clock=lambda: self.now)

    async def enter(self, lease: Lease) -> Lease:
        entered = await self._stack.enter_async_context(lease)
        await entered._beats.stop()
        return entered

    async def two(self) -> tuple[Lease, Lease]:
        """The active one, and one that stands by."""
        return await self.enter(self.new()), await self.enter(self.new())

    async def passes(self, seconds: float, *beating: Lease) -> None:
        """In steps of two seconds, with a beat of these after each."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + 2.0)
            for lease in beating:
                await lease._one_round()

    @classmethod
    @asynccontextmanager
    async def on(cls, url: str) -> "AsyncIterator[Standing]":
        standing = cls(url)
        async with standing._stack:
            yield standing
