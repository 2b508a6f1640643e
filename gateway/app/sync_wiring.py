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
from gateway.sync.pos_changes import Till, Tools
from gateway.sync.profile_change import ProfileChanges
from gateway.sync.reconciliation import Reconciliation, Sides
from gateway.sync.webhooks import (
    Customers,
    Events,
    Hands,
    Leaving,
    Members,
    Merging,
    Newcomers,
    Removals,
)
from gateway.telemetry.metrics import Metrics

__all__ = ["Parts", "make_hearing"]


@dataclass(frozen=True, slots=True)
class Parts:
    db: Database
    shopify: Shopify
    deliverer: Deliverer
    changes: ProfileChanges
    smaregi: Smaregi
    removals: Removals


def make_hearing(
    live: LiveConfig,
    parts: Parts,
    alerts: AlertSender,
    metrics: Metrics,
    *,
    due: Callable[[str], None],
    wiped: Callable[[], None],
) -> tuple[Events, Reconciliation]:
    """`due(channel)` wakes the worker, `wiped()` has the journal emptied."""

    def in_use() -> bool:
        return live.current.flags["smaregi"].mode is not Mode.OFF

    def sync_wanted() -> bool:
        settings = cast(SmaregiSettings, live.current.sections["smaregi"])
        return in_use() and settings.smaregi_sync_changes

    db, deliverer, notice = parts.db, parts.deliverer, alerts.notice
    hands = Hands(
        parts.shopify,
        deliverer.proofs,
        parts.changes,
        parts.changes.updates,
        Newcomers(
            db, deliverer, welcomed=lambda: live.current.shopify.shopify_sync_others, due=due
        ),
        Leaving(db, parts.shopify, deliverer, due=due, wiped=wiped, notice=notice),
        parts.removals,
        Merging(db, deliverer, parts.changes.updates, due=due, notice=notice),
    )
    till = Till(
        Tools(db, parts.shopify, parts.smaregi, deliverer, parts.changes, parts.changes.updates),
        wanted=sync_wanted,
        tell=metrics.till,
        notice=notice,
    )
    customers = Customers(hands, notice=notice)
    events = Events(
        db,
        {"shopify": customers, "smaregi": Members(parts.smaregi, till, in_use)},
        schedule=lambda: live.current.gateway.gateway_retry_schedule,
        tell=metrics.event,
        failed=partial(alerts.failed_with, "webhooks"),
        follow=deliverer.jumps.follow,
    )
    reconciliation = Reconciliation(
        Sides(
            db, parts.shopify, customers, parts.smaregi.client, till, parts.removals, events.keep
        ),
        told=metrics.reconciled,
        failed=partial(alerts.failed_with, "reconciliation"),
        worked=partial(alerts.worked, "reconciliation"),
    )
    till.too_many = reconciliation.soon
    return events, reconciliation
