"""Who works webhooks, put together: the parts of `gateway.events` with those of the gateway."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flags import Mode
from gateway.alerts import AlertSender
from gateway.channels.smaregi import Smaregi
from gateway.config import LiveConfig
from gateway.delivery import Deliverer
from gateway.events import Customers, Events, Hands, Leaving, Members, Merging, Newcomers
from gateway.shopify import Shopify
from gateway.store import Database
from gateway.updates import Updates

__all__ = ["Parts", "make_events"]


@dataclass(frozen=True, slots=True)
class Parts:
    db: Database
    shopify: Shopify
    deliverer: Deliverer
    updates: Updates
    smaregi: Smaregi


def make_events(
    live: LiveConfig,
    parts: Parts,
    alerts: AlertSender,
    *,
    tell: Callable[[str, str, str], None],
    due: Callable[[str], None],
    wiped: Callable[[], None],
) -> Events:
    """`tell(source, topic, result)` counts, `due(channel)` wakes the worker, `wiped()` has the
    journal emptied.
    """
    db, deliverer, notice = parts.db, parts.deliverer, alerts.notice
    hands = Hands(
        parts.shopify,
        deliverer,
        parts.updates,
        Newcomers(
            db, deliverer, welcomed=lambda: live.current.shopify.shopify_sync_others, due=due
        ),
        Leaving(db, parts.shopify, deliverer, due=due, wiped=wiped, notice=notice),
        Merging(db, deliverer, parts.updates, due=due, notice=notice),
    )
    return Events(
        db,
        {
            "shopify": Customers(hands, notice=notice),
            "smaregi": Members(
                parts.smaregi, lambda: live.current.flags["smaregi"].mode is not Mode.OFF
            ),
        },
        schedule=lambda: live.current.gateway.gateway_retry_schedule,
        tell=tell,
        failed=partial(alerts.failed_with, "webhooks"),
    )
