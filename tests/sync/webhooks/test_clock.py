"""The wall clock is set while webhooks wait: none is put off by the jump."""

import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.delivery.clock_jumps import ClockJumps
from gateway.errors import StorageError
from gateway.sandbox import Fault
from gateway.store import Database, events
from gateway.store.events import NewEvent
from gateway.store.members import get_meta, set_meta
from tests.sync.webhooks.conftest import customers
from tests.sync.webhooks.webhook import from_shopify, send, worked
from tests.world import World

HOUR = 3600.0
NOW = 1_790_000_000.0
ONE = NewEvent("shopify:one", "shopify", "customers/update", 7000000000001)


class Clock:
    policy: Any = None

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    clock = __call__


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "gateway.db")
    await database.open()
    yield database
    await database.close()


def due(db: sqlite3.Connection, now: float) -> list[str]:
    return [event.id for event in events.due(db, "shopify", now, 10)]


async def test_what_is_put_off_right_after_a_jump_is_not_put_off_by_the_jump(
    hooked: World,
) -> None:
    """The deletion waits for its grace, by the new clock; only then is the jump noticed."""
    clock = Clock()
    clock_jumps, handler = hooked.core.delivery.clock_jumps, customers(hooked)
    hooked.live.clock = clock
    handler.grace = handler.unsaid = 0.3
    customer = {"id": 7000000000009}
    clock.ahead = HOUR
    await send(hooked, "shopify", *from_shopify("customers/delete", customer))
    await hooked.until(lambda: clock_jumps._offset > time.time() - time.monotonic() + HOUR / 2)
    await worked(hooked, 3.0)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_what_waits_moves_along_with_a_clock_that_was_set_while_nobody_looked(
    hooked: World, jump: float
) -> None:
    """A retry of an hour later is one of an hour later still, and the same start moves it once."""
    core = hooked.core
    hooked.sandbox.faults.set("crm", Fault("status", status=503, retry_after=None))
    hooked.set(GATEWAY_RETRY_SCHEDULE="100")
    assert (await hooked.register()).channel("crm")["outcome"] == "retrying"
    before = await _next(hooked)

    def earlier_clock(db: sqlite3.Connection) -> None:
        boot, offset = (get_meta(db, "clock_offset") or "").split(" ")
        set_meta(db, "clock_offset", f"{boot} {float(offset) - jump!r}")

    await core.db.write(earlier_clock)
    for _ in range(2):
        await hooked.restart()
        assert await _next(hooked) == pytest.approx(before + jump, abs=5.0)


async def _next(world: World) -> float:
    (delivery,) = await world.deliveries(channels=("crm",))
    assert delivery.next_attempt_at is not None
    return delivery.next_attempt_at


async def test_another_machines_clock_moves_nothing(db: Database) -> None:
    await db.write(lambda c: set_meta(c, "clock_offset", f"another-start {-HOUR!r}"))
    await db.write(lambda c: events.add(c, ONE, NOW))
    await ClockJumps(db, Clock()).take_over()
    assert await db.read(lambda c: due(c, NOW)) == [ONE.id]
    assert await db.read(lambda c: due(c, NOW - 1)) == []


async def test_a_start_looks_at_once_at_what_waits_since_the_clock_may_have_been_set_back(
    db: Database,
) -> None:
    await db.write(lambda c: events.add(c, ONE, NOW + HOUR))
    assert await db.read(lambda c: due(c, NOW)) == []
    assert await db.write(lambda c: events.bring_forward(c, NOW)) == 1
    assert await db.read(lambda c: due(c, NOW)) == [ONE.id]


async def test_a_jump_that_a_full_disk_cannot_take_is_followed_later(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock_jumps = ClockJumps(db, clock)
    await db.write(lambda c: events.add(c, ONE, clock() - HOUR))
    await db.write(lambda c: events.later(c, [ONE.id], clock() + 1, clock(), None, counted=False))
    clock.ahead = -HOUR

    async def full(*_: object) -> None:
        raise StorageError("SQLITE_FULL", "free some space")

    with monkeypatch.context() as patch:
        patch.setattr(db, "write", full)
        with pytest.raises(StorageError):
            await clock_jumps.follow()
    assert await clock_jumps.follow() is False
    assert await db.read(lambda c: due(c, clock() + 2)) == [ONE.id]
