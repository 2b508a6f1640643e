"""Fine weather until nothing is under way any more: what is then still open is stuck."""

import asyncio
import sqlite3
from collections.abc import Iterator

from tests.simulation.judge import judge_consent, judge_links
from tests.simulation.world import OPERATOR, World

__all__ = ["at_rest", "waiting"]

_LONGEST = 240
"""Virtual seconds that everything may take once nothing fails any more."""
_BY_HAND = (20, 60, 120)
"""Seconds after which a person replays what has failed."""

_UNSETTLED = """
SELECT 'registration ' || state FROM registrations WHERE state IN ('open', 'unclear', 'waiting')
UNION ALL SELECT 'delivery ' || channel || ' ' || outcome || ' ' || coalesce(error_class, '')
          || iif(kept_back, ' kept back', '')
    FROM deliveries WHERE outcome IN ('pending', 'retrying', 'failed') {held}
UNION ALL SELECT 'event ' || topic || ' ' || state FROM events WHERE state <> 'done'
UNION ALL SELECT 'points of an order ' || state FROM points_orders
    WHERE due_at IS NOT NULL AND lacking = 0
UNION ALL SELECT 'movement of points ' || state FROM points_movements
    WHERE state IN ('owed', 'sent', 'stuck')
UNION ALL SELECT 'reservation of points ' || state FROM points_reservations
    WHERE state IN ('pending', 'active', 'closing') OR (state = 'used' AND ended_at IS NULL)
UNION ALL SELECT 'merge ' || step FROM merges WHERE step <> 'done' AND problem IS NULL
"""
_LEFT = """
SELECT 'an intent is left' FROM intents
UNION ALL SELECT 'an idempotency key is busy' FROM idempotency_keys WHERE status IS NULL
"""


async def at_rest(world: World, *, expect: frozenset[str] = frozenset()) -> None:
    """What is `expect`ed may stay open: the texts of `waiting`."""
    world.weather.calm()
    world.disk.full = False
    world.disk.stall = 0.0
    world.hook_lost = world.hook_twice = 0.0
    if world.gateway is None or world.gateway.life.over:
        await world.start()
    for second in range(_LONGEST):
        await asyncio.sleep(1.0)
        if second > 2 and not _open(world, expect):
            break
        if second in _BY_HAND:
            await replay(world, {"outcome": "failed"})
    for text in _open(world, expect):
        world.find("stuck", text)
    core = world.gateway.core if world.gateway else None
    if core is not None and core.deliverer.busy:
        world.find("stuck", f"{len(core.deliverer.busy)} deliveries are busy")
    for text in world.loop.problems:
        world.find("broken", text)
    judge_links(world)
    judge_consent(world)


async def replay(world: World, chosen: dict[str, str]) -> None:
    await world.ask("POST", "/v1/deliveries/replay", chosen, OPERATOR)


def _open(world: World, expect: frozenset[str]) -> list[str]:
    return [text for text in waiting(world) if text not in expect]


def waiting(world: World) -> list[str]:
    """Everything that has not come to its end, in the gateway and on its way to it."""
    found = list(_rows(world.disk.image, _UNSETTLED.format(held="")))
    if not found:
        found = list(_rows(world.disk.image, _LEFT))
    if world.hooks_under_way:
        found.append("webhooks are on their way")
    core = world.gateway.core if world.gateway else None
    if core is not None and core.deliverer.has_work():
        found.append("work is under way")
    return found


def _rows(db: sqlite3.Connection, sql: str) -> Iterator[str]:
    return (str(row[0]) for row in db.execute(sql).fetchall())
