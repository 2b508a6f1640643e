"""The parts, put together: settings -> parts. What makes them run is `gateway.app.lifecycle`."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import cast

from gateway.alerts import notices
from gateway.app.config import LiveConfig
from gateway.app.exposition import Exposition
from gateway.app.foundation import Surroundings, make_foundation, make_master, make_route
from gateway.app.history import History
from gateway.app.holdings import DatabaseReport
from gateway.app.housekeeping import Housekeeping
from gateway.app.identity import SHOP, Difference, Identities, IdentitySource
from gateway.app.overview import Overview
from gateway.app.people import People
from gateway.app.privacy import Privacy
from gateway.app.put_back import PutBack
from gateway.app.readiness import Readiness
from gateway.app.shop_acceptance import ShopAcceptance
from gateway.app.sync_wiring import SyncParts, make_events
from gateway.channels import ROSTER
from gateway.channels.smaregi import Smaregi
from gateway.delivery import (
    NO_SPANS,
    Deliverer,
    DeliveryParts,
    Replay,
    Route,
    Spans,
    Worker,
    make_delivery,
)
from gateway.duplicates import Finder, Linking, MemberMerge
from gateway.errors import ErrorClass
from gateway.membership import Membership
from gateway.outcomes import DeliveryFilter, Waiting
from gateway.points import Points, PointsParts
from gateway.registration.acceptance import Acceptance
from gateway.registration.deferred import DeferredRegistrations
from gateway.registration.deferred_attempt import DeferredAttempt
from gateway.registration.recovery import Recovery
from gateway.registration.registrar import Registrar
from gateway.registration.status import RegistrationStatus
from gateway.rotation import CustomerRekeying, Rotation
from gateway.store import Engine, Keys, outbox
from gateway.sync.backfill import Backfill
from gateway.sync.channel_updates import ChannelUpdates
from gateway.sync.profile_change import ProfileChanges
from gateway.sync.profile_reading import Profiles
from gateway.sync.webhooks import Erasure, Removals
from gateway.telemetry.metrics import Metrics
from gateway.wire import Wire
from gateway.wire.session import Admit

__all__ = ["Core"]

log = logging.getLogger(__name__)

_DISCARDED = 150
"""Deliveries that a unit gives up: each stands in most of the outbox's indexes."""


class Core:
    """Every part, made and told of the others; nothing runs yet, and `wire` is to be entered."""

    def __init__(
        self,
        live: LiveConfig,
        db: Engine,
        keys: Keys,
        metrics: Metrics,
        make_wire: Callable[[Admit], Wire],
        *,
        serving: bool = False,
        spans: Spans = NO_SPANS,
    ) -> None:
        self.live = live
        self.serving = serving  # whether this process is `serve`
        self.db = db
        self.keys = keys
        self.metrics = metrics
        self._identity_sources: dict[str, IdentitySource] = {}
        self.identities = Identities(
            db, self._identity_sources, differs=self._another, agrees=self._may_be_used
        )
        self.wire = make_wire(self.identities.admit)
        base = make_foundation(live, self.wire, metrics, spans, db)
        self.alerts, self.wakes, self.runtime = base.alerts, base.wakes, base.runtime
        master = make_master(live, self.wire)
        self._identity_sources[SHOP] = master.side
        self.shopify, self.subscriptions = master.shopify, master.subscriptions
        self.orders, self.discounts = master.orders, master.discounts
        self.removals = Removals(db, self.runtime)
        self.delivery = self._make_delivery()
        self.deliverer: Deliverer = self.delivery.deliverer
        self.worker = Worker(db, self.delivery, self.wakes, self.runtime)
        self.replay = Replay(db, self.deliverer, self.runtime.background)
        self._make_registration()
        self.deferred = DeferredRegistrations(
            db,
            DeferredAttempt(db, keys, self.shopify, self.delivery, self._acceptance, self.runtime),
            self.registrar,
            base.circuit,
            self.wakes.deferred,
            self.delivery.clock_jumps,
            self.runtime,
        )
        self._make_sync()
        self._make_members()
        self._make_upkeep()
        self.overview, self.people, self.history = Overview(self), People(self), History(db, db.now)
        self.privacy = Privacy(self)

    def _make_delivery(self) -> DeliveryParts:
        around = Surroundings(self.live, self.db, self.keys, self.wire, self.shopify, self._ready)
        routes: dict[str, Route] = {}
        for spec in ROSTER:
            routes[spec.name], side = make_route(spec, around)
            if side is not None:
                self._identity_sources[spec.name] = side
        return make_delivery(self.db, self.shopify, routes, self.keys, self.removals, self.runtime)

    def _make_registration(self) -> None:
        self._acceptance = Acceptance(self.db, self.delivery.routes, self.runtime)
        self.status = RegistrationStatus(self.db, self.delivery.preparation)
        self.registrar = Registrar(
            self.db,
            self.keys,
            self.shopify,
            self.delivery,
            self._acceptance,
            self.status,
            self.runtime,
        )
        self.recovery = Recovery(
            self.db,
            self.keys,
            self.shopify,
            self.registrar,
            self._acceptance,
            self.wakes.unclear,
            self.runtime,
        )

    def _make_sync(self) -> None:
        self.updates = ChannelUpdates(self.db, self.delivery, self.runtime)
        self.profile_changes = ProfileChanges(
            self.db, self.keys, self.shopify, self.delivery, self.updates, self.runtime
        )
        self.profiles = Profiles(self.shopify, self.profile_changes, self.runtime)
        self.erasure = Erasure(self.db, self.shopify, self.delivery, self.runtime)
        parts = SyncParts(
            self.db,
            self.shopify,
            self.delivery,
            self.profile_changes,
            self.smaregi,
            self.removals,
            self.erasure,
            self.wakes,
        )
        self.events, self.reconciliation = make_events(parts, self.runtime)
        self.backfill = Backfill(self.db, self.shopify, self.delivery, self.runtime)

    def _make_members(self) -> None:
        self.membership = Membership(
            self.db, self.delivery.routes["smaregi"], self.shopify, self.runtime
        )
        self.duplicates = Finder(self.db, self.smaregi, self.runtime)
        self.linking = Linking(self.db, self.delivery, self.shopify, self.smaregi, self.runtime)
        self.member_merge = MemberMerge(self.db, self.smaregi, self.linking, self.runtime)
        points = PointsParts(
            self.db,
            self.keys,
            self.shopify,
            self.orders,
            self.discounts,
            self.smaregi,
            lambda: self.live.current.points,
            lambda: self.live.current.smaregi.smaregi_points_by,
        )
        self.points = Points(points, self.runtime)
        customers = CustomerRekeying(
            self.db, self.keys, self.shopify, self.delivery, self.smaregi, self.live
        )
        self.rotation = Rotation(self.db, self.keys, customers, self.smaregi, self.runtime)

    def _make_upkeep(self) -> None:
        routes = self.delivery.routes
        self.housekeeping = Housekeeping(self.db, self.wakes.journal, self.runtime)
        unrecognised = [spec.name for spec in ROSTER if not spec.updates]
        self.put_back = PutBack(self.db, unrecognised, self.alerts, self.runtime)
        self.readiness = Readiness(self.db, self.wire.edge.require_trust, self.runtime.background)
        self.holdings = DatabaseReport(self.db, self.shopify, routes, self.live)
        self.exposition = Exposition(self.db, routes, self.metrics, self.identities)
        self.shop_acceptance = ShopAcceptance(
            self.db,
            self.identities,
            routes,
            used=self.systems_in_use,
            accepted=self._identity_accepted,
        )

    @property
    def smaregi(self) -> Smaregi:
        return cast(Smaregi, self.delivery.routes["smaregi"].channel)

    # -- who the systems are

    def systems_in_use(self) -> list[str]:
        """The shop, and each channel with an identity whose flag is not off."""
        used = (name for name in self.delivery.routes if self.live.policy.uses(name))
        return [SHOP, *(name for name in used if name in self._identity_sources)]

    def release_circuits(self) -> None:
        """Whom credentials or an identity kept waiting goes on."""
        for name, route in self.delivery.routes.items():
            if route.circuit.cause is ErrorClass.AUTH:
                route.circuit.half_open()
                self._wake(Waiting.CHANNEL, name)

    def _wake(self, waiting: Waiting, channel: str | None = None) -> None:
        async def work() -> None:
            await self.deliverer.wake(waiting, channel)
            self.worker.wake(channel)

        self.runtime.background.keep(work(), f"waking what waited for {waiting}")

    async def _ready(self, channel: str) -> None:
        """What attempts waited for in a channel is there."""
        await self.deliverer.wake(Waiting.INDEX, channel)
        self.worker.wake(channel)

    def compare_identities(self) -> None:
        work = self.identities.compare_all(self.systems_in_use())
        self.runtime.background.keep(work, "comparing identities")

    def _identity_accepted(self) -> None:
        self.shopify.forget()
        self.points.flags_changed()
        self.runtime.background.keep(self.shopify.define(), "defining metafields")
        self.release_circuits()
        self._wake(Waiting.SHOPIFY)
        self.compare_identities()

    def _another(self, difference: Difference) -> None:
        log.error("%s", difference.reason)
        self.alerts.notice(notices.another_system(difference.system, difference.reason))

    def _may_be_used(self, system: str) -> None:
        """What waited for the shop to be known goes on."""
        if system == SHOP:
            for channel in self.delivery.routes:
                self._wake(Waiting.INDEX, channel)

    # -- asked of the parts as a whole

    async def discard(self, delivery_ids: Iterable[int]) -> int:
        """Given up by a person; the number of those that were open."""
        ids, now = list(delivery_ids), self.db.now()
        return await self.db.write(lambda db: _discard(db, ids, now))

    async def discard_all(self, chosen: DeliveryFilter) -> int:
        return sum([gone async for gone in self.discarding(chosen)])

    async def discarding(self, chosen: DeliveryFilter) -> AsyncIterator[int]:
        """As `discard`, in pages: whoever signs up meanwhile waits for none of it. Of each page the
        number of those that were open.
        """
        now = self.db.now()

        def page(db: sqlite3.Connection, after: int) -> tuple[int, int | None]:
            until = outbox.page_end(db, after, _DISCARDED)
            if until is None:
                return 0, None
            return _discard(db, outbox.ids(db, chosen, after, until), now), until

        place: int | None = -1
        while place is not None:
            gone, place = await self.db.write(partial(page, after=place))
            yield gone

    async def metrics_text(self) -> bytes:
        return await self.exposition.text()


def _discard(db: sqlite3.Connection, ids: Iterable[int], now: float) -> int:
    return sum(outbox.discard(db, i, "discarded by a person", now) for i in ids)
