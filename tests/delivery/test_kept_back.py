"""What a flag keeps back waits until flag or delivery change, and costs nobody anything."""

import sqlite3

import pytest

from gateway.delivery.retry import wait_for_channel
from gateway.errors import ErrorClass
from gateway.outcomes import Delivery, DeliveryFilter, Kind, NewDelivery, Outcome, Waiting
from gateway.sandbox import Fault
from gateway.store import outbox
from gateway.store.paging import PAGE
from tests.e2e.trouble.ending import eventually
from tests.store.memory import a_connection
from tests.sync.updates.patching import contact, patch, registered
from tests.world import World


async def number_kept_back(world: World) -> int:
    def unit(db: sqlite3.Connection) -> int:
        sql = "SELECT count(*) FROM deliveries WHERE kept_back = 1"
        return int(db.execute(sql).fetchone()[0])

    return await world.core.db.read(unit)


async def kept_back(world: World) -> int:
    """A customer whose change to the CRM its flag keeps back, looked at already."""
    await world.restart(GATEWAY_AUTO_REPLAY="true", GATEWAY_RETRY_SCHEDULE="300,300,300")
    number = await registered(world)
    world.sandbox.faults.set("crm", Fault("status", status=500, times=1))
    reply = await patch(world, number, last_name="佐藤")
    assert reply.channel("crm")["outcome"] == "retrying"
    world.set(FLAG_CRM="hold")
    await world.make_due()

    async def looked_at() -> bool:
        return await number_kept_back(world) == 1

    await eventually(looked_at)
    assert contact(world)["lastname"] == "山田"
    return number


async def test_opting_out_goes_although_its_delivery_was_kept_back_before(world: World) -> None:
    number = await kept_back(world)
    world.sandbox.faults.set("crm", Fault("status", status=500, times=1))
    reply = await patch(world, number, accepts_marketing=False)
    assert reply.channel("crm")["outcome"] == "retrying"
    await world.make_due()
    await world.until(lambda: contact(world)["accepts_marketing"] == "false")
    assert contact(world)["lastname"] == "山田"


async def test_it_goes_once_the_flag_lets_it(world: World) -> None:
    await kept_back(world)
    world.set(FLAG_CRM="on")
    await world.until(lambda: contact(world)["lastname"] == "佐藤")
    assert await number_kept_back(world) == 0


async def test_it_goes_if_the_flag_was_changed_while_the_gateway_was_down(world: World) -> None:
    await kept_back(world)
    await world.restart(FLAG_CRM="on")
    await world.until(lambda: contact(world)["lastname"] == "佐藤")


# -- the queries

CUSTOMERS = range(7_000_000_000_001, 7_000_000_000_701)


def backlog(outcome: Outcome = Outcome.PENDING) -> sqlite3.Connection:
    db = a_connection()
    for n, customer in enumerate(CUSTOMERS):
        new = NewDelivery("crm", Kind.REGISTRATION, outcome, not_before=None if n % 2 else 10.0 + n)
        outbox.add(db, customer, None, [new], float(n))
    return db


def steps(db: sqlite3.Connection) -> list[str]:
    """How SQLite goes about each statement from now on."""
    plans: list[str] = []
    seen: set[str] = set()

    def trace(sql: str) -> None:
        if sql not in seen and not sql.startswith(("EXPLAIN", "--")):
            seen.add(sql)
            db.set_trace_callback(None)
            plans.extend(row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}"))
            db.set_trace_callback(trace)

    db.set_trace_callback(trace)
    return plans


def due(db: sqlite3.Connection, limit: int = 10) -> list[Delivery]:
    return outbox.due(db, "crm", 1000.0, limit, ())


def test_whoever_is_kept_back_is_passed_over_until_their_delivery_changes() -> None:
    db = backlog()
    outbox.keep_back(db, due(db, 600))
    left = due(db, 600)
    assert len(left) == 100
    new = NewDelivery("crm", Kind.UPDATE, Outcome.PENDING, urgent=True)
    (raised,) = outbox.add(db, CUSTOMERS[3], None, [new], 500.0)
    assert raised.id in {each.id for each in due(db, 600)}


def test_what_changed_since_it_was_looked_at_is_not_kept_back() -> None:
    db = backlog()
    before = due(db, 1)
    new = NewDelivery("crm", Kind.UPDATE, Outcome.PENDING, urgent=True)
    outbox.add(db, before[0].customer_id, None, [new], 500.0)
    outbox.keep_back(db, before)
    assert due(db, 1)[0].id == before[0].id


def test_a_claim_ends_the_keeping() -> None:
    db = backlog()
    (first,) = due(db, 1)
    outbox.keep_back(db, [first])
    assert outbox.claim(db, first.id, 500.0) is not None
    why = wait_for_channel(ErrorClass.UNAVAILABLE, "waiting", 600.0)
    outbox.postpone(db, [first.id], why, 500.0)
    assert first.id in {each.id for each in due(db, 700)}


@pytest.mark.parametrize("outcome", [Outcome.PENDING, Outcome.HELD])
def test_pages_of_what_waits_hold_everyone_once(outcome: Outcome) -> None:
    db = backlog(outcome)
    outbox.keep_back(db, due(db, 700))
    after, seen = outbox.START, list[int]()
    while True:
        if outcome is Outcome.HELD:
            page = [each for each, _ in outbox.held(db, "crm", after, 64)]
        else:
            page = outbox.kept_back(db, "crm", outcome, after, 64)
        if not page:
            break
        after = outbox.place_of(page[-1])
        seen += [each.id for each in page]
    assert sorted(seen) == list(range(1, 701))


def test_a_page_of_waking_ends_and_wakes_all() -> None:
    db = backlog()
    db.execute("UPDATE deliveries SET outcome = 'retrying', waiting = 'channel'")
    pages = []
    while woken := outbox.wake(db, Waiting.CHANNEL, "crm", 5000.0):
        pages.append(woken)
    assert max(pages) == PAGE
    assert sum(pages) == 700


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_a_clock_that_jumps_moves_each_once_in_pages(seconds: float) -> None:
    db = backlog()
    times = "SELECT id, next_attempt_at FROM deliveries WHERE next_attempt_at IS NOT NULL"
    before = dict(tuple(row) for row in db.execute(times))
    below: int | None = 2**62
    pages = 0
    while below is not None:
        below = outbox.shift(db, seconds, below)
        pages += 1
    assert pages >= 3
    after = dict(tuple(row) for row in db.execute(times))
    assert after == {i: at + seconds for i, at in before.items()}


def test_nothing_is_scanned_or_sorted_for_what_is_due_or_woken() -> None:
    db = backlog()
    plans = steps(db)
    due(db)
    outbox.wake(db, Waiting.CHANNEL, "crm", 5000.0)
    outbox.held(db, "crm", outbox.START, 10)
    outbox.kept_back(db, "crm", Outcome.PENDING, (20.0, 3), 10)
    outbox.ids(db, DeliveryFilter(), 0, 300)
    db.set_trace_callback(None)
    assert plans
    assert [step for step in plans if "SCAN deliveries" in step or "TEMP B-TREE" in step] == []
