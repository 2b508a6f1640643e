"""Somebody who signed up, and where they have left traces."""

from typing import Any

from gateway.store import actions
from tests.duplicates.mending import customer_of
from tests.world import World, registration

__all__ = ["EMAIL", "count", "log_of", "signed_up", "systems", "tables_with"]
EMAIL = "taro@example.com"


async def signed_up(world: World, number: int = 0) -> int:
    reply = await world.register(registration(number), headers={"Idempotency-Key": f"{number}"})
    await world.settled()
    return customer_of(reply)


async def tables_with(world: World, *traces: bytes | str | int) -> set[str]:
    """Every table with a cell that is, or that holds, one of these."""

    def unit(db: Any) -> set[str]:
        names = [r["name"] for r in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {n for n in names for row in db.execute(f"SELECT * FROM {n}") if _has(row, traces)}

    return await world.core.db.read(unit)


def _has(row: Any, traces: Any) -> bool:
    for cell in row:
        for trace in traces:
            inside = isinstance(cell, (str, bytes)) and isinstance(trace, type(cell))
            if cell == trace or (inside and trace in cell):
                return True
    return False


async def log_of(world: World) -> list[actions.Action]:
    return await world.core.db.read(lambda db: actions.page(db, None, 100))


def count(found: dict[str, Any]) -> dict[str, int]:
    """Rows by table; the log of actions apart."""
    return {e["table"]: len(e["rows"]) for e in found["held"] if e["table"] != "actions"}


def systems(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["system"], each["state"]) for each in found["elsewhere"]}
