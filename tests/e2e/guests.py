"""A guest in Shopify, and the names of its mutations."""

from typing import Any

from tests.world import TARO, World

__all__ = ["CREATE", "UPDATE", "guest"]
CREATE, UPDATE = "customerCreate", "customerUpdate"


def guest(world: World, **fields: Any) -> Any:
    return world.sandbox.shopify.add_customer(email=TARO["email"], number_of_orders=1, **fields)
