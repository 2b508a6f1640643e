"""Serving from a PostgreSQL until a signal: standing by while another gateway is active, and then
in its place.

What is where when this process dies: whatever the active one promised is in the database, and the
next one begins as after any death. One that finds its place taken ends at once, with nothing
written any more.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.app import Role, open_core
from gateway.app.agreement import Agreement
from gateway.app.config import LiveConfig
from gateway.app.lifecycle import warm_up
from gateway.app.standing import config_hash, control_key, make_lease
from gateway.app.supervisor import supervised, tell
from gateway.background import Background
from gateway.http.access import CallerAccess
from gateway.http.control import control_application
from gateway.http.control.named import Named
from gateway.http.front import Front
from gateway.http.site import Applications, Doors, listening_at
from gateway.http.standby import Standby
from gateway.http.upkeep import WORK, calm_collector, watching
from gateway.store import exposed
from gateway.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from gateway.store.postgres import Lease

__all__ = ["ending_when_lost", "serve_leased"]

log = logging.getLogger("gateway")

_ANYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - to be told, not to listen on


async def serve_leased(
    live: LiveConfig,
    applications: Applications,
    stop: asyncio.Event,
    *,
    make: "Callable[[LiveConfig, str], Lease]" = make_lease,
    end: Callable[[int], object] = os._exit,
) -> None:
    """`make` as `make_lease`. `end`: how this process ends at once when another has its place."""
    for warning in exposed(None, *live.files):
        log.warning("%s", warning)
    metrics = Metrics()
    standby = Standby(metrics)
    fronts = _Fronts.of(live, standby)
    async with AsyncExitStack() as doors:
        url = await doors.enter_async_context(listening_at(live, metrics, fronts.doors))
        lease = standby.lease = make(live, _address(url))
        live.on_change(lambda: lease.set_config(config_hash(live)))
        async with lease, watching(live), supervised(), ending_when_lost(lease, end):
            if not await _is_active(lease, stop):
                return
            serving = _Serving(live, applications, metrics, lease, fronts)
            async with serving.active():
                await _first(stop, lease.lost)
                log.info("stopping: no new requests; what is under way is finished or persisted")
                await lease.begin_to_leave()
                serving.stopping.set()
                await doors.aclose()


def _address(url: str) -> str:
    """Where commands reach it, as of `make_lease`."""
    parts = urlsplit(url)
    return f"http://*:{parts.port}" if parts.hostname in _ANYWHERE else url


async def _is_active(lease: "Lease", stop: asyncio.Event) -> bool:
    """False: told to stop. Raises why it must not stand here."""
    if not lease.mine.is_set():
        holder = lease.seen.holder if lease.seen else None
        log.info("standing by: the gateway on %s is active", holder.host if holder else "?")
        tell("STATUS=standing by")
        await warm_up()
        calm_collector()  # it takes a fifth of a second, and later somebody would wait for it
    await _first(lease.mine, stop, lease.lost)
    if lease.failure is not None:
        raise lease.failure
    return not stop.is_set()


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when="FIRST_COMPLETED")
    finally:
        for task in waiting:
            task.cancel()


@asynccontextmanager
async def ending_when_lost(
    lease: "Lease", end: Callable[[int], object] = os._exit
) -> AsyncIterator[None]:
    """Who was active, and is no more, ends in the middle of whatever it does: nothing is drained,
    since nothing of it may be written.
    """

    async def watch() -> None:
        await lease.lost.wait()
        if lease.mine.is_set():
            log.error("%s: this process ends at once", lease.failure)
            logging.shutdown()
            end(1)

    background = Background()
    background.run(watch(), "the watch on the lease")
    try:
        yield
    finally:
        await background.stop()


class _Fronts:
    """Of the public address, and where the console has a port of its own, of that."""

    def __init__(self, public: Front, console: Front | None) -> None:
        self.public = public
        self.console = console

    @classmethod
    def of(cls, live: LiveConfig, standby: Standby) -> "_Fronts":
        access = CallerAccess(lambda: live.current.gateway)
        named = Named(lambda: standby.lease.me.id if standby.lease else None, control_key(live))
        public = Front(standby.answer, standby.is_changing, access, named)
        if live.current.gateway.gateway_admin_port is None:
            return cls(public, None)
        return cls(public, Front(standby.page, standby.is_changing, access))

    @property
    def doors(self) -> Doors:
        return Doors(self.public.application, self.console.application if self.console else None)


class _Serving:
    def __init__(
        self,
        live: LiveConfig,
        applications: Applications,
        metrics: Metrics,
        lease: "Lease",
        fronts: _Fronts,
    ) -> None:
        self._live = live
        self._applications = applications
        self._metrics = metrics
        self._lease = lease
        self._fronts = fronts
        self.stopping = asyncio.Event()

    @asynccontextmanager
    async def active(self) -> AsyncIterator[None]:
        """The core runs, and answers."""
        opened = open_core(
            self._live, Role.SERVE, seconds=WORK, lease=self._lease, metrics=self._metrics
        )
        async with opened as core, AsyncExitStack() as stack:
            doors = self._applications(core)
            control = control_application(core, self.stopping, lambda: False)
            await stack.enter_async_context(self._fronts.public.active(doors.public, control))
            if self._fronts.console is not None and doors.console is not None:
                await stack.enter_async_context(self._fronts.console.active(doors.console))
            await core.holdings.tell()
            seen = self._lease.seen
            log.info("active: the %d. on this database", seen.token if seen else 0)
            tell("STATUS=active")
            self._lease.listeners.append(Agreement(self._metrics, core.alerts).heard)
            calm_collector()
            yield
