"""Queries on points online: orders, reservations, movements, and what Smaregi has otherwise."""

from gateway.store.points.records import (
    Movement,
    OrderState,
    PointOrder,
    Reservation,
    ReservationState,
    State,
    Way,
)

__all__ = [
    "Movement",
    "OrderState",
    "PointOrder",
    "Reservation",
    "ReservationState",
    "State",
    "Way",
]
