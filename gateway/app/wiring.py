"""The parts, put together: settings -> parts. What makes them run is `gateway.app`."""

import asyncio
import logging
import time
from functools import partial
from typing import Any, cast

from flags import Mode
from gateway.alerts import AlertSender
from gateway.app.config import LiveConfig
from gateway.app.exposition import Exposition
from gateway.app.holdings import DatabaseReport
from gateway.app.housekeeping import Housekeeping
from gateway.app.identity import SHOP, Difference, Identities, IdentitySource
from gateway.app.shop_acceptance import ShopAcceptance
from gateway.app.sync_wiring import SyncParts, make_sync
from gateway.channels import ROSTER, Context, Spec
from gateway.channels.smaregi import Smaregi
from gateway.delivery import CircuitBreaker, Deliverer, Replay, Route, Worker
from gateway.duplicates import Finder, Linking, MemberMerge
from gateway.errors import ErrorClass, UpstreamError
from gateway.membership import Membership
from gateway.outcomes import Waiting
from gateway.registration.acceptance import Acceptance
from gateway.registration.deferred import DeferredRegistrations
from gateway.registration.deferred_attempt import DeferredAttempt
from gateway.registration.recovery import Recovery
from gateway.registration.registrar import Registrar
from gateway.registration.status import RegistrationStatus
from gateway.rotation import CustomerRekeying, Rotation
from gateway.shopify import GraphQL, Shopify, Subscriptions
from gateway.store import Database, Disk, Keys
from gateway.store.admission import Bounds
from gateway.sync.backfill import Backfill
from gateway.sync.channel_updates import ChannelUpdates
from gateway.sync.profile_change import ProfileChanges
from gateway.sync.webhooks import Removals
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observer import DeliveryObserver
from gateway.wire import Wire
from gateway.wire.limits import CostBucket

__all__ = ["Assembly"]

log = logging.getLogger(__name__)


class Assembly:
    """Every part, made and told of the others; nothing runs yet."""

    def __init__(
        self, live: LiveConfig, db: Database, keys: Keys, wire: Wire, metrics: Metrics
    ) -> None:
        self.live = live
        self.db = db
        self.keys = keys
        self.metrics = metrics
        self._wire = wire
        self.alerts = AlertSender(
            wire,
            lambda: live.current.alerts,
            lambda: live.current.email,
            self._timeout,
        )
        self._observer = observer = DeliveryObserver(metrics, self.alerts, self._due)
        self._identity_sources: dict[str, IdentitySource] = {}
        self.housekeeping = Housekeeping(db, lambda: live.current.gateway.gateway_retention_days)
        self.shopify = self._make_shopify()
        routes = {spec.name: self._route(spec) for spec in ROSTER}
        self.removals = Removals(db, notice=self.alerts.notice)
        self.deliverer = Deliverer(
            db,
            self.shopify,
            routes,
            keys,
            flags=lambda: live.current.flags,
            schedule=lambda: live.current.gateway.gateway_retry_schedule,
            timeout=self._timeout,
            listen=observer.attempt_ended,
            due=self._due,
            missing=self.removals.read,
        )
        self.identities = Identities(
            db, self._identity_sources, differs=self._another, agrees=self._may_be_used
        )
        wire.admit = self.identities.admit
        self.shop_acceptance = ShopAcceptance(
            db,
            self.identities,
            self.deliverer,
            used=self.systems_in_use,
            accepted=self._identity_accepted,
        )
        self.holdings = DatabaseReport(db, self.shopify, routes, live)
        self.exposition = Exposition(db, self.deliverer, metrics, self.identities)
        self.membership = Membership(
            db,
            routes["smaregi"],
            self._timeout,
            lambda how: metrics.points_reads.labels(how).inc(),
            self._customer_exists,
        )
        self.replay = Replay(db, self.deliverer)
        self.backfill = Backfill(db, self.shopify, self.deliverer, lambda: live.current.flags)
        self.worker = Worker(db, self.deliverer, lambda: live.current.gateway.gateway_auto_replay)
        self.updates = ChannelUpdates(db, self.deliverer, wake=self._due)
        self.profile_changes = ProfileChanges(
            db,
            keys,
            self.shopify,
            self.deliverer,
            self.updates,
            deadline=lambda: live.current.gateway.gateway_response_deadline,
            shopify_result=observer.shopify_result,
        )
        acceptance = Acceptance(db, self.deliverer, intent_gone=self.housekeeping.intent_gone)
        self.status = RegistrationStatus(db, self.deliverer)
        self.registrar = Registrar(
            db,
            keys,
            self.shopify,
            self.deliverer,
            acceptance,
            self.status,
            deadline=lambda: live.current.gateway.gateway_response_deadline,
            bounds=lambda: Bounds(live.current.gateway.gateway_waiting_limit),
            has_room=Disk(db.path).has_room,
            shopify_result=self._shopify_answered,
            intent_gone=self.housekeeping.intent_gone,
        )
        self.recovery = Recovery(
            db,
            keys,
            self.shopify,
            self.registrar,
            acceptance,
            recovered=self.worker.wake,
            intent_gone=self.housekeeping.intent_gone,
        )
        self.deferred = self._make_deferred(acceptance, observer)
        self.registrar.unclear = self.recovery.wake
        self.events, self.reconciliation = make_sync(
            live,
            SyncParts(
                db,
                self.shopify,
                self.deliverer,
                self.profile_changes,
                self.smaregi,
                self.removals,
            ),
            self.alerts,
            metrics,
            due=self._due,
            wiped=self.housekeeping.intent_gone,
        )
        self.duplicates = Finder(db, refresh=self.smaregi.members_fresh, notice=self.alerts.notice)
        self.linking = Linking(
            db, self.deliverer, self.shopify, self.smaregi, flags=lambda: live.current.flags
        )
        self.member_merge = MemberMerge(db, self.smaregi, self.linking)
        self.rotation = self._make_rotation()
        self.registrar.deferred = self.deferred.wake

    def _due(self, channel: str) -> None:
        self.worker.wake(channel)

    def systems_in_use(self) -> list[str]:
        """The shop, and each channel with an identity whose flag is not off."""
        flags = self.live.current.flags
        used = (name for name in self.deliverer.routes if flags[name].mode is not Mode.OFF)
        return [SHOP, *(name for name in used if name in self._identity_sources)]

    def release_circuits(self) -> None:
        """Whom credentials or an identity kept waiting goes on."""
        for route in self.deliverer.routes.values():
            if route.circuit.cause is ErrorClass.AUTH:
                route.circuit.half_open()
                self.deliverer.keep(self._wake(route.spec.name))

    async def _wake(self, channel: str) -> None:
        await self.deliverer.wake(Waiting.CHANNEL, channel)
        self.worker.wake(channel)

    def _identity_accepted(self) -> None:
        self.shopify.forget()
        self.deliverer.keep(self.shopify.define())
        self.release_circuits()
        self.deliverer.keep(self.deliverer.wake(Waiting.SHOPIFY))
        self.deliverer.keep(self.identities.compare_all(self.systems_in_use()))

    def _another(self, difference: Difference) -> None:
        log.error("%s", difference.reason)
        self.alerts.notice(f"⚠️ {difference.system}: {difference.reason}.")

    def _may_be_used(self, system: str) -> None:
        """What waited for the shop to be known goes on."""
        if system == SHOP:
            for channel in self.deliverer.routes:
                self.deliverer.keep(self.deliverer.wake(Waiting.INDEX, channel))

    def _shopify_answered(self, error: UpstreamError | None) -> None:
        """How a live sign-up fared there."""
        self._observer.shopify_result(error)
        if error is None:
            self.deferred.shopify_works()

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
        shopify = Shopify(graphql, settings, clock)
        self._identity_sources[SHOP] = IdentitySource("shop", shopify.identity)
        return shopify

    def _make_rotation(self) -> Rotation:
        def uses_smaregi() -> bool:
            return self.live.current.flags["smaregi"].mode is not Mode.OFF

        read = CustomerRekeying(
            self.db, self.keys, self.shopify, self.deliverer, self.smaregi, uses_smaregi
        )
        return Rotation(
            self.db,
            self.keys,
            read,
            self.smaregi,
            uses_smaregi=uses_smaregi,
            wiped=self.housekeeping.intent_gone,
        )

    def _make_deferred(
        self, acceptance: Acceptance, observer: DeliveryObserver
    ) -> DeferredRegistrations:
        attempt = DeferredAttempt(
            self.db,
            self.keys,
            self.shopify,
            self.deliverer,
            acceptance,
            timeout=self._timeout,
            intent_gone=self.housekeeping.intent_gone,
            unclear=self.recovery.wake,
            hopeless=observer.deferred_given_up,
        )
        return DeferredRegistrations(
            self.db,
            attempt,
            keep=self.deliverer.keep,
            is_live=self.registrar.is_running,
            schedule=lambda: self.live.current.gateway.gateway_retry_schedule,
            follow=self.deliverer.clock_jumps.follow,
            owed=self.worker.wake,
            shopify_result=observer.shopify_result,
        )

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
        channel = spec.build(context)
        if spec.identify is not None:
            ask = partial(spec.identify, channel, context)
            self._identity_sources[spec.name] = IdentitySource(spec.account, ask)
        return Route(
            spec, channel, CircuitBreaker(spec.name, time.monotonic, spec.at_once), settings
        )

    async def _customer_exists(self, customer_id: int) -> bool:
        return customer_id in await self.shopify.read([customer_id])

    @property
    def smaregi(self) -> Smaregi:
        return cast(Smaregi, self.deliverer.routes["smaregi"].channel)
