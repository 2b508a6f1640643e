"""The parts at work: what is started, reloaded and stopped, and in which order.

A `Core` owns the database file: `serve` runs it with its HTTP front, a command runs it alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING

from gateway.app.config import LiveConfig
from gateway.app.wiring import Core
from gateway.delivery import NO_SPANS
from gateway.normalize import load_places, parse_phone
from gateway.settings import GatewaySettings
from gateway.store import Database, Engine, Keys
from gateway.telemetry.metrics import Metrics
from gateway.wire import Call, Wire
from gateway.wire.session import Admit, Observer

if TYPE_CHECKING:
    from gateway.store.postgres import Lease
    from gateway.telemetry.traces import Traces

__all__ = ["Lifecycle", "Role", "load_keys", "open_core", "read_ahead", "warm_up"]


class Role(Enum):
    """What the owner of the file is up to: serve; a command that calls upstreams, or none."""

    SERVE = "serve"
    COMMAND = "command"
    OFFLINE = "offline"


class Lifecycle:
    """Of one core; the caller holds the owner's lock."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._started: set[str] = set()
        core.live.on_change(self._config_changed)

    # -- a reload

    def _config_changed(self) -> None:
        core = self._core
        core.identities.forget()
        core.compare_identities()
        core.worker.flags_changed()
        core.deferred.reload()
        core.points.flags_changed()
        self._show_flags()
        core.runtime.background.keep(self._start_channels(), "starting channels")
        core.release_circuits()

    def _show_flags(self) -> None:
        flags = self._core.live.policy.flags.flags.values()
        self._core.metrics.set_flags((flag.name, flag.mode.value) for flag in flags)

    # -- running

    async def start(self, role: Role) -> None:
        """Take over what a dead owner left; only `serve` works on by itself."""
        core = self._core
        await core.put_back.take_over()
        await core.delivery.clock_jumps.take_over()
        await core.rotation.take_over(serves=role is Role.SERVE)
        await core.recovery.take_over()
        self._show_flags()
        core.alerts.start()
        if role is Role.OFFLINE:
            return
        if role is Role.SERVE:
            await warm_up()
        await self._start_channels()
        if role is Role.SERVE:
            await self._work_by_itself()

    async def _work_by_itself(self) -> None:
        core = self._core
        once = core.runtime.background.run
        once(core.identities.compare_all(core.systems_in_use()), "comparing identities")
        once(core.shopify.define(), "defining metafields")
        once(core.holdings.warn_of_lost_database(), "looking for marks of an earlier gateway")
        core.worker.start()
        core.recovery.start()
        await core.events.start()
        core.deferred.start()
        core.rotation.start()
        core.housekeeping.start()
        core.put_back.start()
        core.duplicates.start()
        await core.member_merge.start()
        await core.reconciliation.start()
        await core.points.start()

    async def _start_channels(self) -> None:
        """Those whose flag is not off, each once; again after a reload."""
        for name, route in self._core.delivery.routes.items():
            if self._core.live.policy.uses(name) and name not in self._started:
                self._started.add(name)
                await route.channel.start()

    async def stop(self, seconds: float) -> None:
        """Finish what is under way, or leave it due at the next start; within `seconds`.

        First nothing new is begun, then what was begun ends, then what it used is closed.
        """
        core = self._core
        for part in (core.worker, core.rotation, core.recovery, core.events, core.deferred):
            await part.stop()
        await core.runtime.background.stop()
        await core.membership.close()
        await core.runtime.background.finish(seconds)
        for route in core.delivery.routes.values():
            await route.channel.close()
        await core.shopify.close()
        await core.identities.close()
        await core.alerts.stop()
        await core.housekeeping.empty_journal()


async def warm_up() -> None:
    """What is read from the disk once: not while somebody waits, nor in the loop."""
    await asyncio.to_thread(read_ahead)


def read_ahead() -> None:
    """The same, for whoever has no loop yet: what it takes and frees is of use to all later. A
    thread keeps what it frees for itself.
    """
    load_places()
    parse_phone("0312345678")


def load_keys(gateway: GatewaySettings) -> Keys:
    """ConfigurationError where no secret is set, and there is no file that could hold one."""
    secret = gateway.gateway_secret
    place = None if gateway.is_postgres else gateway.database_path
    return Keys.load(secret.get_secret_value() if secret else None, place)


def _leased(live: LiveConfig, lease: "Lease") -> Engine:
    from gateway.store.postgres import Postgres  # noqa: PLC0415 - an extra

    engine = Postgres(live.current.gateway.gateway_database_url, lease=lease)
    live.clock = engine.now
    return engine


def _traces(wanted: object) -> "Traces | None":
    if not wanted:
        return None
    from gateway.telemetry.traces import Traces  # noqa: PLC0415 - an extra

    return Traces.from_environment()


def _both(one: Observer, other: Observer) -> Observer:
    def observe(call: Call, result: str, seconds: float) -> None:
        one(call, result, seconds)
        other(call, result, seconds)

    return observe


@asynccontextmanager
async def open_core(
    live: LiveConfig,
    role: Role,
    *,
    seconds: float = 7.0,
    lease: "Lease | None" = None,
    metrics: Metrics | None = None,
) -> AsyncIterator[Core]:
    """A running core on the database that `live` names; stopped within `seconds` and closed.
    `lease`: of a PostgreSQL, which this process has.
    """
    gateway = live.current.gateway
    async with AsyncExitStack() as stack:
        keys = load_keys(gateway)
        db: Engine = _leased(live, lease) if lease else Database(gateway.database_path)
        stack.push_async_callback(db.close)
        await db.open()
        metrics = metrics or Metrics()
        traces = _traces(role is Role.SERVE and gateway.gateway_traces)

        def make_wire(admit: Admit) -> Wire:
            observe = metrics.called if traces is None else _both(metrics.called, traces.called)
            trusted = None if lease is None else lease.trusted
            return Wire(lambda: live.policy.timeout, observe, admit, trusted)

        if traces is not None:
            stack.push_async_callback(asyncio.to_thread, traces.close)
        spans = traces or NO_SPANS
        core = Core(live, db, keys, metrics, make_wire, serving=role is Role.SERVE, spans=spans)
        await stack.enter_async_context(core.wire)
        lifecycle = Lifecycle(core)
        stack.push_async_callback(lifecycle.stop, seconds)
        await lifecycle.start(role)
        yield core
