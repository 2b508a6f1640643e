"""The parts at work: what is started, reloaded, counted and stopped, and in which order.

`Core` is what owns the database file: `serve` runs it with its HTTP front, a command runs it alone.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum

from flags import Mode
from gateway.app.config import LiveConfig
from gateway.app.wiring import Assembly
from gateway.normalize import load_places, parse_phone
from gateway.outcomes import DeliveryFilter
from gateway.store import Database, Keys, members, outbox
from gateway.store.paging import every_page
from gateway.telemetry.metrics import Metrics
from gateway.wire import Wire

__all__ = ["Core", "Role", "open_core"]

_DISCARDED = 150
"""Deliveries that a unit gives up: each stands in most of the outbox's indexes."""


class Role(Enum):
    """What the owner of the file is up to: serve; a command that calls upstreams, or none."""

    SERVE = "serve"
    COMMAND = "command"
    OFFLINE = "offline"


class Core(Assembly):
    """The parts, running. Build it with `open_core`; the caller holds the owner's lock."""

    def __init__(
        self, live: LiveConfig, db: Database, keys: Keys, wire: Wire, metrics: Metrics
    ) -> None:
        super().__init__(live, db, keys, wire, metrics)
        self._started: set[str] = set()
        live.on_change(self._config_changed)

    # -- a reload

    def _config_changed(self) -> None:
        self.identities.forget()
        self.deliverer.keep(self.identities.compare_all(self.systems_in_use()))
        self.worker.flags_changed()
        self.deferred.reload()
        self._show_flags()
        self.deliverer.keep(self._start_channels())
        self.release_circuits()

    def _show_flags(self) -> None:
        flags = self.live.current.flags.flags.values()
        self.metrics.set_flags((flag.name, flag.mode.value) for flag in flags)

    # -- running

    async def start(self, role: "Role") -> None:
        """Take over what a dead owner left; only `serve` works on by itself."""
        await self.deliverer.clock_jumps.take_over()
        await self.rotation.take_over(serves=role is Role.SERVE)
        await self.recovery.take_over()
        self._show_flags()
        self.alerts.start()
        if role is Role.OFFLINE:
            return
        if role is Role.SERVE:
            # The postal data takes a second to load: not while somebody waits, nor in the loop.
            await asyncio.to_thread(load_places)
            parse_phone("0312345678")
        await self._start_channels()
        if role is Role.SERVE:
            self.deliverer.keep_until_stop(self.identities.compare_all(self.systems_in_use()))
            self.deliverer.keep_until_stop(self.shopify.define())
            self.deliverer.keep_until_stop(self.holdings.warn_of_lost_database())
            self.worker.start()
            self.recovery.start()
            await self.events.start()
            self.deferred.start()
            self.rotation.start()
            self.deliverer.keep_until_stop(self.housekeeping.expire())
            self.deliverer.keep_until_stop(self.housekeeping.wipe())
            self.deliverer.keep_until_stop(self.duplicates.run())
            self.deliverer.keep_until_stop(self.member_merge.run())
            self.deliverer.keep_until_stop(self.reconciliation.run())

    async def _start_channels(self) -> None:
        """Those whose flag is not off, each once; again after a reload."""
        for name, route in self.deliverer.routes.items():
            if self.live.current.flags[name].mode is not Mode.OFF and name not in self._started:
                self._started.add(name)
                await route.channel.start()

    async def stop(self, seconds: float) -> None:
        """Finish what is under way, or leave it due at the next start; within `seconds`."""
        await self.worker.stop()
        await self.rotation.stop()
        await self.recovery.stop()
        await self.events.stop()
        await self.deferred.stop()
        await self.membership.close()
        await self.deliverer.finish(seconds)
        for route in self.deliverer.routes.values():
            await route.channel.close()
        await self.shopify.close()
        await self.identities.close()
        await self.alerts.stop()
        await self.housekeeping.empty_journal()

    async def discard(self, delivery_ids: Iterable[int]) -> int:
        """Given up by a person; the number of those that were open."""
        ids, now = list(delivery_ids), time.time()
        return await self.db.write(lambda db: _discard(db, ids, now))

    async def discard_all(self, chosen: DeliveryFilter) -> int:
        """As `discard`, in pages: whoever signs up meanwhile waits for none of it."""
        now = time.time()

        def page(db: sqlite3.Connection, after: int) -> tuple[int, int | None]:
            until = outbox.page_end(db, after, _DISCARDED)
            if until is None:
                return 0, None
            return _discard(db, outbox.ids(db, chosen, after, until), now), until

        return await every_page(self.db.write, page, -1)

    async def prove_storage(self) -> None:
        """A durable commit, or StorageError with a hint."""
        now = repr(time.time())
        await self.db.write(lambda db: members.set_meta(db, "proved_at", now))

    async def metrics_text(self) -> bytes:
        return await self.exposition.text()


def _discard(db: sqlite3.Connection, ids: Iterable[int], now: float) -> int:
    return sum(outbox.discard(db, i, "discarded by a person", now) for i in ids)


@asynccontextmanager
async def open_core(live: LiveConfig, role: Role, *, seconds: float = 7.0) -> AsyncIterator[Core]:
    """A running core on the database that `live` names; stopped within `seconds` and closed."""
    gateway = live.current.gateway
    secret = gateway.gateway_secret
    async with AsyncExitStack() as stack:
        keys = Keys.load(secret.get_secret_value() if secret else None, gateway.database_path)
        db = Database(gateway.database_path)
        await db.open()
        stack.push_async_callback(db.close)
        metrics = Metrics()
        wire = await stack.enter_async_context(
            Wire(lambda: live.current.gateway.gateway_upstream_timeout, metrics.called)
        )
        core = Core(live, db, keys, wire, metrics)
        stack.push_async_callback(core.stop, seconds)
        await core.start(role)
        yield core
