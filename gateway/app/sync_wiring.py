"""Settings -> the parts that follow changes: webhooks, the POS, reconciliation."""

from gateway import frozen
from gateway.channels.smaregi import Smaregi
from gateway.delivery import DeliveryParts, Runtime, Wakes
from gateway.shopify import Shopify
from gateway.store import Engine
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

__all__ = ["SyncParts", "make_events"]


@frozen
class SyncParts:
    db: Engine
    shopify: Shopify
    delivery: DeliveryParts
    changes: ProfileChanges
    smaregi: Smaregi
    removals: Removals
    erasure: Erasure
    wakes: Wakes


def make_events(parts: SyncParts, runtime: Runtime) -> tuple[EventWorker, Reconciliation]:
    db, shopify, delivery, wakes = parts.db, parts.shopify, parts.delivery, parts.wakes
    updates = parts.changes.updates
    event_parts = CustomerEventParts(
        shopify,
        delivery.proofs,
        parts.changes,
        updates,
        NewCustomers(db, delivery, runtime),
        parts.erasure,
        parts.removals,
        CustomerMerges(db, delivery, updates, runtime),
    )
    tools = PosParts(db, shopify, parts.smaregi, delivery.preparation, parts.changes, updates)
    pos_changes = PosChanges(tools, wakes.reconciliation, runtime)
    customers = CustomerEvents(event_parts, runtime)
    members = MemberEvents(parts.smaregi, pos_changes, runtime.live)
    events = EventWorker(
        db, {"shopify": customers, "smaregi": members}, delivery.clock_jumps, runtime
    )
    sides = ReconciliationParts(
        db, shopify, customers, parts.smaregi.client, pos_changes, parts.removals, events.keep
    )
    return events, Reconciliation(sides, wakes.reconciliation, runtime)
