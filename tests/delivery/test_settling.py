"""How an attempt ended is written at once and for itself; whatever happens, nothing stays busy."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.outcomes import Delivery, Kind, NewDelivery, Outcome
from gateway.sandbox import Fault
from gateway.store import outbox
from gateway.store.outbox import AttemptResult
from tests.e2e.evidence import started_quietly
from tests.world import World, registration


async def test_a_fast_channels_outcome_does_not_wait_for_a_slow_ones(world: World) -> None:
    await started_quietly(world)
    await world.register(number=1)
    world.sandbox.faults.set("crm", Fault("hang"))
    waiting = asyncio.create_task(world.register(number=2))
    await world.until(lambda: len(world.sandbox.mail.messages) == 2)
    while (await world.deliveries(channels=("email",)))[-1].outcome is not Outcome.DELIVERED:
        await asyncio.sleep(0.002)
    assert not waiting.done()
    world.sandbox.faults.clear()
    assert (await waiting).body["status"] == "complete"


async def test_outcomes_that_end_together_share_a_commit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await started_quietly(world)
    written = []
    settle = outbox.settle

    def counted(db: sqlite3.Connection, ends: Sequence[AttemptResult], now: float) -> Any:
        written.append(len(ends))
        return settle(db, ends, now)

    monkeypatch.setattr(outbox, "settle", counted)

    async def ends_at_once(delivery: Delivery, *_: Any, **__: Any) -> AttemptResult:
        return AttemptResult(delivery.id, Outcome.SKIPPED, started_at=time.time())

    monkeypatch.setattr(world.core.deliverer._attempts, "live", ends_at_once)
    await world.register()
    assert written == [3]


@pytest.mark.parametrize(("twice", "together"), [(False, [3]), (True, [1, 1, 1])])
async def test_outcomes_of_several_customers_share_a_statement(
    world: World, monkeypatch: pytest.MonkeyPatch, twice: bool, together: list[int]
) -> None:
    """But for a delivery that ends twice: one end after the other."""
    await started_quietly(world)
    written, settle = list[int](), outbox.settle
    owed = [NewDelivery("crm", Kind.REGISTRATION, Outcome.PENDING, claimed=True)]
    ids = await world.core.db.write(
        lambda db: [outbox.add(db, customer, None, owed, 1.0)[0].id for customer in range(3)]
    )
    ids[2] = ids[0] if twice else ids[2]

    def counted(db: sqlite3.Connection, ends: Sequence[AttemptResult], now: float) -> Any:
        written.append(len(ends))
        return settle(db, ends, now)

    monkeypatch.setattr(outbox, "settle", counted)
    ends = [AttemptResult(each, Outcome.SKIPPED, started_at=1.0) for each in ids]
    told = await asyncio.gather(*(world.core.deliverer._results.settle([end]) for end in ends))
    assert [[one.delivery.id for one in each] for each in told] == [[each] for each in ids]
    assert written == together


async def test_an_attempt_that_is_not_counted_never_counts_below_nothing(world: World) -> None:
    """Its count was begun anew while it was under way, as when a conflict may be over."""
    await started_quietly(world)
    world.sandbox.delays["crm"] = 0.2
    world.sandbox.faults.set("crm", Fault("status", status=401))
    waiting = asyncio.create_task(world.register())
    await world.until(lambda: world.core.deliverer.busy)
    await world.core.db.write(lambda db: db.execute("UPDATE deliveries SET attempts = 0"))
    reply = await waiting
    assert reply.channel("crm")["outcome"] == "retrying"
    assert not world.core.deliverer.busy


@pytest.mark.parametrize("broken", ["crm", "email"])
async def test_whatever_a_settling_raises_nothing_stays_busy(
    world: World, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """The others' outcomes are written; of this one a person hears."""
    await started_quietly(world)
    settle = outbox.settle

    def breaks(db: sqlite3.Connection, ends: Sequence[AttemptResult], now: float) -> Any:
        written = settle(db, ends, now)
        if any(d.channel == broken and d.outcome == "delivered" for d in written.values()):
            raise sqlite3.IntegrityError("CHECK constraint failed")
        return written

    monkeypatch.setattr(outbox, "settle", breaks)
    reply = await world.register(registration(1))
    assert reply.status == 201, reply.body
    assert reply.channel(broken)["outcome"] == "failed"
    assert reply.body["status"] == "partial"
    assert {d.outcome for d in await world.deliveries() if d.channel != broken} == {"delivered"}
    assert not world.core.deliverer.busy
    assert not world.core.deliverer._live
