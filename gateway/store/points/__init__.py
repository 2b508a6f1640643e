"""Queries on points earned online: orders, their movements, and what Smaregi has otherwise."""

from gateway.store.points.records import Movement, OrderState, PointOrder, State, Way

__all__ = ["Movement", "OrderState", "PointOrder", "State", "Way"]
