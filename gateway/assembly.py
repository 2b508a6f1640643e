"""The parts, put together: settings -> parts. What makes them run is `gateway.app`."""

import asyncio
import time
from typing import Any, cast

from gateway.alerts import AlertSender
from gateway.backfill import Backfill
from gateway.channels import ROSTER, Context, Spec
from gateway.channels.smaregi import Smaregi
from gateway.config import LiveConfig
from gateway.delivery import Deliverer, Gate, Replay, Route, Worker
from gateway.duplicates import Finder, Linking, Merging
from gateway.errors import UpstreamError
from gateway.hearing import Parts, make_hearing
from gateway.holdings import Holdings
from gateway.membership import Membership
from gateway.metrics import Metrics
from gateway.outcomes import Waiting
from gateway.owing import Owing
from gateway.profile_change import ProfileChanges
from gateway.promises import Promises, Trying
from gateway.recovery import Recovery
from gateway.registration import Registrar
from gateway.shopify import GraphQL, Shopify, Subscriptions
from gateway.standing import Standing
from gateway.store import (
    Database,
    Keys,
)
from gateway.telling import Telling
from gateway.updates import Updates
from gateway.upkeep import Upkeep
from gateway.wire import Wire
from gateway.wire.limits import CostBucket

__all__ = ["Assembly"]


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
        self._telling = telling = Telling(metrics, self.alerts, self._due)
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
        self.holdings = Holdings(db, self.shopify, routes, live)
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
        self.updates = Updates(db, self.deliverer, wake=self._due)
        self.profile_changes = ProfileChanges(
            db,
            keys,
            self.shopify,
            self.deliverer,
            self.updates,
            deadline=lambda: live.current.gateway.gateway_response_deadline,
            shopify_result=telling.shopify_result,
        )
        owing = Owing(db, self.deliverer, intent_gone=self.upkeep.intent_gone)
        self.standing = Standing(db, self.deliverer)
        self.registrar = Registrar(
            db,
            keys,
            self.shopify,
            self.deliverer,
            owing,
            self.standing,
            deadline=lambda: live.current.gateway.gateway_response_deadline,
            shopify_result=self._shopify_answered,
            intent_gone=self.upkeep.intent_gone,
        )
        self.recovery = Recovery(
            db,
            keys,
            self.shopify,
            self.registrar,
            owing,
            recovered=self.worker.wake,
            intent_gone=self.upkeep.intent_gone,
        )
        self.promises = self._make_promises(owing, telling)
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
        self.registrar.promised = self.promises.wake

    def _due(self, channel: str) -> None:
        self.worker.wake(channel)

    def _shopify_answered(self, error: UpstreamError | None) -> None:
        """How a live sign-up fared there."""
        self._telling.shopify_result(error)
        if error is None:
            self.promises.shopify_works()

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

    def _make_promises(self, owing: Owing, telling: Telling) -> Promises:
        trying = Trying(
            self.db,
            self.keys,
            self.shopify,
            self.deliverer,
            owing,
            timeout=self._timeout,
            intent_gone=self.upkeep.intent_gone,
            unclear=self.recovery.wake,
            hopeless=telling.promise_broken,
        )
        return Promises(
            self.db,
            trying,
            keep=self.deliverer.keep,
            is_live=self.registrar.is_running,
            schedule=lambda: self.live.current.gateway.gateway_retry_schedule,
            owed=self.worker.wake,
            shopify_result=telling.shopify_result,
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
        return Route(
            spec, spec.build(context), Gate(spec.name, time.monotonic, spec.at_once), settings
        )

    async def _customer_exists(self, customer_id: int) -> bool:
        return customer_id in await self.shopify.read([customer_id])

    @property
    def smaregi(self) -> Smaregi:
        return cast(Smaregi, self.deliverer.routes["smaregi"].channel)
