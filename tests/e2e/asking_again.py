"""Requests that are under way, and how many customers they made."""

from tests.world import World

__all__ = ["CREATE", "creates", "key"]
CREATE = "customerCreate"


def key(name: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": name, **more}


def creates(world: World) -> int:
    return len(world.sandbox.journal.of("shopify", CREATE))
