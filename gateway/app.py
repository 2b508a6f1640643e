"""The composition root: settings -> parts -> a running gateway, and the aiohttp application.

`Core` is what owns the database file: `serve` runs it with its HTTP front, a command runs it alone.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from typing import Any, cast

from flags import Mode
from gateway.alerts import AlertSender
from gateway.backfill import Backfill
from gateway.channels import ROSTER, Context, Spec
from gateway.channels.smaregi import Smaregi
from gateway.config import LiveConfig
from gateway.delivery import Deliverer, Gate, Replay, Route, Worker
from gateway.duplicates import Finder, Linking, Merging
from gateway.errors import ErrorClass
from gateway.hearing import Parts, make_hearing
from gateway.membership import Membership
from gateway.metrics import Metrics
from gateway.normalize import load_places, parse_phone
from gateway.outcomes import Waiting
from gateway.profile_change import ProfileChanges
from gateway.recovery import Recovery
from gateway.registration import Registrar
from gateway.shopify import GraphQL, Shopify, Subscriptions
from gateway.store import (
    Database,
    Keys,
    duplicates,
    events,
    listing,
    members,
    outbox,
    registrations,
)
from gateway.telling import Telling
from gateway.updates import Updates
from gateway.upkeep import Upkeep
from gateway.wire import Wire
from gateway.wire.limits import CostBucket

__all__ = ["Core", "Role", "open_core"]


class Role(Enum):
    """What the owner of the file is up to: serve; a command that calls upstreams, or none."""

    SERVE = "serve"
    COMMAND = "command"
    OFFLINE = "offline"


class Core:
    """The parts, put together. Build it with `open_core`; the caller holds the owner's lock."""

    def __init__(
        self, live: LiveConfig, db: Database, keys: Keys, wire: Wire, metrics: Metrics
    ) -> None:
        self.live = live
        self.db = db
        self.keys = keys
        self.metrics = metrics
        self._wire = wire
        self.alerts = AlertSender(
            wire, lambda: live.current.alerts, lambda: live.current.email, self._timeout
        )
        telling = Telling(metrics, self.alerts, self._due)
        self.upkeep = Upkeep(db, lambda: live.current.gateway.gateway_retention_days)
        self.shopify = self._make_shopify()
        routes = {spec.name: self._route(spec) for spec in ROSTER}
        self.deliverer = Deliverer(
            db,
            self.shopify,
            routes,
            keys,
            flags=lambda: live.current.flags,
            schedule=lambda: live.current.gateway.gateway_retry_schedule,
            timeout=self._timeout,
            listen=telling.attempt_ended,
            due=self._due,
        )
        self.membership = Membership(
            db, routes["smaregi"], self._timeout, lambda how: metrics.points_reads.labels(how).inc()
        )
        self.replay = Replay(db, self.deliverer)
        self.backfill = Backfill(db, self.shopify, self.deliverer, lambda: live.current.flags)
        self.worker = Worker(db, self.deliverer, lambda: live.current.gateway.gateway_auto_replay)
        self.updates = Updates(db, self.deliverer, wake=self._due)
        self.profile_changes = ProfileChanges(
            db,
            self.shopify,
            self.deliverer,
            self.updates,
            deadline=lambda: live.current.gateway.gateway_response_deadline,
            shopify_result=telling.shopify_result,
        )
        self.registrar = Registrar(
            db,
            keys,
            self.shopify,
            self.deliverer,
            deadline=lambda: live.current.gateway.gateway_response_deadline,
            shopify_result=telling.shopify_result,
            intent_gone=self.upkeep.intent_gone,
        )
        self.recovery = Recovery(
            db,
            keys,
            self.shopify,
            self.registrar,
            recovered=self.worker.wake,
            intent_gone=self.upkeep.intent_gone,
        )
        self.registrar.unclear = self.recovery.wake
        self.events, self.reconciliation = make_hearing(
            live,
            Parts(db, self.shopify, self.deliverer, self.profile_changes, self.smaregi),
            self.alerts,
            metrics,
            due=self._due,
            wiped=self.upkeep.intent_gone,
        )
        self.duplicates = Finder(db, refresh=self.smaregi.members_fresh, notice=self.alerts.notice)
        self.linking = Linking(
            db, self.deliverer, self.shopify, self.smaregi, flags=lambda: live.current.flags
        )
        self.merging = Merging(db, self.smaregi, self.linking)
        self._started: set[str] = set()
        live.on_change(self._config_changed)

    def _due(self, channel: str) -> None:
        self.worker.wake(channel)

    def _timeout(self) -> float:
        return self.live.current.gateway.gateway_upstream_timeout

    def _make_shopify(self) -> Shopify:
        def settings() -> Any:
            return self.live.current.shopify

        bucket = CostBucket(time.monotonic)
        # The loop's clock: the deadlines that the registrar gives are in it.
        clock = asyncio.get_running_loop().time
        graphql = GraphQL(self._wire, settings, clock, bucket)
        self.subscriptions = Subscriptions(graphql)
        return Shopify(graphql, settings, clock)

    def _route(self, spec: Spec) -> Route:
        def settings() -> Any:
            return self.live.current.sections[spec.name]

        async def ready() -> None:
            await self.deliverer.wake(Waiting.INDEX, spec.name)
            self.worker.wake(spec.name)

        context = Context(
            wire=self._wire,
            db=self.db,
            keys=self.keys,
            settings=settings,
            store=lambda: self.live.current.store,
            timeout=self._timeout,
            clock=time.time,
            customer_exists=self._customer_exists,
            ready=ready,
        )
        return Route(
            spec, spec.build(context), Gate(spec.name, time.monotonic, spec.at_once), settings
        )

    async def _customer_exists(self, customer_id: int) -> bool:
        return customer_id in await self.shopify.read([customer_id])

    # -- a reload

    def _config_changed(self) -> None:
        self.worker.flags_changed()
        self._show_flags()
        self.deliverer.keep(self._start_channels())
        for route in self.deliverer.routes.values():
            if route.gate.cause is ErrorClass.AUTH:
                route.gate.reopen()
                self.deliverer.keep(self._wake(route.spec.name))

    async def _wake(self, channel: str) -> None:
        await self.deliverer.wake(Waiting.CHANNEL, channel)
        self.worker.wake(channel)

    def _show_flags(self) -> None:
        flags = self.live.current.flags.flags.values()
        self.metrics.set_flags((flag.name, flag.mode.value) for flag in flags)

    # -- running

    async def start(self, role: "Role") -> None:
        """Take over what a dead owner left; only `serve` works on by itself."""
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
            self.deliverer.keep_until_stop(self.shopify.define())
            self.worker.start()
            self.recovery.start()
            await self.events.start()
            self.deliverer.keep_until_stop(self.upkeep.expire())
            self.deliverer.keep_until_stop(self.upkeep.wipe())
            self.deliverer.keep_until_stop(self.duplicates.run())
            self.deliverer.keep_until_stop(self.merging.run())
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
        await self.recovery.stop()
        await self.events.stop()
        await self.membership.close()
        await self.deliverer.finish(seconds)
        for route in self.deliverer.routes.values():
            await route.channel.close()
        await self.shopify.close()
        await self.alerts.stop()
        await self.upkeep.empty_journal()

    async def discard(self, delivery_ids: Iterable[int]) -> int:
        """Given up by a person; the number of those that were open."""
        ids, now = list(delivery_ids), time.time()
        return await self.db.write(
            lambda db: sum(outbox.discard(db, i, "discarded by a person", now) for i in ids)
        )

    async def prove_storage(self) -> None:
        """A durable commit, or StorageError with a hint."""
        now = repr(time.time())
        await self.db.write(lambda db: members.set_meta(db, "proved_at", now))

    @property
    def smaregi(self) -> Smaregi:
        return cast(Smaregi, self.deliverer.routes["smaregi"].channel)

    async def metrics_text(self) -> bytes:
        def unit(db: sqlite3.Connection) -> tuple[list[tuple[str, str, int]], Any, Any, int]:
            intents, waiting = registrations.intents_open(db), events.waiting(db)
            return listing.counts(db), intents, waiting, duplicates.open_count(db)

        counts, intents, waiting, possible = await self.db.read(unit)
        self.metrics.set_outbox(self.deliverer.routes, counts, _aged(*intents))
        self.metrics.set_events(*_aged(*waiting))
        self.metrics.set_duplicates(possible)
        for name, route in self.deliverer.routes.items():
            self.metrics.set_paused(name, paused=route.gate.cause is not None)
        return self.metrics.text()


def _aged(number: int, oldest: float | None) -> tuple[int, float]:
    """The number, and the age of the oldest in seconds."""
    return number, max(0.0, time.time() - oldest) if oldest else 0.0


@asynccontextmanager
async def open_core(live: LiveConfig, role: Role, *, seconds: float = 7.0) -> AsyncIterator[Core]:
    """A running core on the database that `live` names; stopped within `seconds` and closed."""
    gateway = live.current.gateway
    secret = gateway.gateway_secret
    async with AsyncExitStack() as stack:
        gateway.database_path.absolute().parent.mkdir(parents=True, exist_ok=True)
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
