"""Points earned and spent online, and how they reach the store's ledger exactly once."""

from gateway.points.eligibility import Asked, Refusal
from gateway.points.notices import ORDER_TOPICS, OrderNotice, order_in
from gateway.points.reserving import Reserved
from gateway.points.service import Points, PointsParts
from gateway.points.settings import PointsSettings
from gateway.points.switch import EARN, SPEND

__all__ = [
    "EARN",
    "ORDER_TOPICS",
    "SPEND",
    "Asked",
    "OrderNotice",
    "Points",
    "PointsParts",
    "PointsSettings",
    "Refusal",
    "Reserved",
    "order_in",
]
