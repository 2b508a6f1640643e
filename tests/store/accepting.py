"""Sign-ups that Shopify has accepted, as the store is told of them."""

import sqlite3
from collections.abc import Sequence

from gateway.outcomes import Delivery, NewDelivery
from gateway.store import acceptance
from gateway.store.acceptance import AcceptedSignUp
from gateway.store.outbox import OwedTo

__all__ = ["accepted", "is_accepted"]


def accepted(
    registration_id: str,
    customer_id: int,
    now: float,
    deliveries: Sequence[NewDelivery] = (),
    **more: object,
) -> AcceptedSignUp:
    """Of a customer who was created, and whose caller was answered; else as `more` says."""
    owed = OwedTo(customer_id, registration_id, "req-1", deliveries, now)
    said = {"shopify_action": "created", "warnings": [], "answered": True, **more}
    return AcceptedSignUp(registration_id, owed, **said)  # type: ignore[arg-type]


def is_accepted(
    db: sqlite3.Connection,
    registration_id: str,
    customer_id: int,
    now: float,
    deliveries: Sequence[NewDelivery] = (),
    **more: object,
) -> list[Delivery]:
    """One that is accepted by itself."""
    one = accepted(registration_id, customer_id, now, deliveries, **more)
    (written,) = acceptance.accept(db, [one])
    return written
