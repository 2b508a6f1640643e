"""Points earned online: what an order earns, and how it reaches the store's ledger exactly once."""

from gateway.points.notices import ORDER_TOPICS, OrderNotice, order_in
from gateway.points.service import Points, PointsParts
from gateway.points.settings import PointsSettings
from gateway.points.switch import EARN

__all__ = [
    "EARN",
    "ORDER_TOPICS",
    "OrderNotice",
    "Points",
    "PointsParts",
    "PointsSettings",
    "order_in",
]
