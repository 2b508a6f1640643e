"""Settings -> the parts that follow changes: webhooks, the POS, reconciliation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

from flags import Mode
from gateway.alerts import AlertSender
from gateway.app.config import LiveConfig
from gateway.channels.smaregi import Smaregi
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.delivery import Deliverer
from gateway.shopify import Shopify
from gateway.store import Database
from gateway.sync.pos_changes import PosChanges, PosParts
from gateway.sync.profile_change import ProfileChanges
from gateway.sync.reconciliation import Reconciliation, ReconciliationParts
from gateway.sync.webhooks import (
    CustomerEventParts,
    CustomerEvents,
    CustomerMerges,
    Erasure,
    EventWorker,
    MemberEvents,
    NewCustomers,
    Removals,
)
from gateway.telemetry.metrics import Metrics

__all__ = ["SyncParts", "make_sync"]


@dataclass(frozen=True, slots=True)
class SyncParts:
    db: Database
    shopify: Shopify
    deliverer: Deliverer
    changes: ProfileChanges
    smaregi: Smaregi
    removals: Removals


def make_sync(
    live: LiveConfig,
    parts: SyncParts,
    alerts: AlertSender,
    metrics: Metrics,
    *,
    due: Callable[[str], None],
    wiped: Callable[[], None],
) -> tuple[EventWorker, Reconciliation]:
    """`due(channel)` wakes the worker, `wiped()` has the journal emptied."""

    def in_use() -> bool:
        return live.current.flags["smaregi"].mode is not Mode.OFF

    def sync_wanted() -> bool:
        settings = cast(SmaregiSettings, live.current.sections["smaregi"])
        return in_use() and settings.smaregi_sync_changes

    db, deliverer, notice = parts.db, parts.deliverer, alerts.notice
    event_parts = CustomerEventParts(
        parts.shopify,
        deliverer.proofs,
        parts.changes,
        parts.changes.updates,
        NewCustomers(
            db, deliverer, welcomed=lambda: live.current.shopify.shopify_sync_others, due=due
        ),
        Erasure(db, parts.shopify, deliverer, due=due, wiped=wiped, notice=notice),
        parts.removals,
        CustomerMerges(db, deliverer, parts.changes.updates, due=due, notice=notice),
    )
    pos_changes = PosChanges(
        PosParts(db, parts.shopify, parts.smaregi, deliverer, parts.changes, parts.changes.updates),
        wanted=sync_wanted,
        tell=metrics.till,
        notice=notice,
    )
    customers = CustomerEvents(event_parts, notice=notice)
    events = EventWorker(
        db,
        {"shopify": customers, "smaregi": MemberEvents(parts.smaregi, pos_changes, in_use)},
        schedule=lambda: live.current.gateway.gateway_retry_schedule,
        tell=metrics.event,
        failed=partial(alerts.failed_with, "webhooks"),
        follow=deliverer.clock_jumps.follow,
    )
    reconciliation = Reconciliation(
        ReconciliationParts(
            db,
            parts.shopify,
            customers,
            parts.smaregi.client,
            pos_changes,
            parts.removals,
            events.keep,
        ),
        on_pass=metrics.reconciled,
        failed=partial(alerts.failed_with, "reconciliation"),
        worked=partial(alerts.worked, "reconciliation"),
    )
    pos_changes.too_many = reconciliation.soon
    return events, reconciliation
