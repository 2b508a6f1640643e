"""How many promised sign-ups go at once, in which order, and what keeps them going."""

import asyncio
from typing import Any, cast
from unittest.mock import create_autospec

import orjson
import pytest

from gateway.alerts import AlertSender
from gateway.background import WOKEN
from gateway.customer import Customer
from gateway.delivery import Wakes
from gateway.delivery.clock_jumps import ClockJumps
from gateway.errors import ErrorClass
from gateway.registration.deferred import AT_ONCE
from gateway.shopify import Accepted, AlreadyRegistered
from gateway.store.deferred import DeferredRegistration
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observer import Observer
from gateway.wire import Lane, lane
from tests.delivery.heart import HANAKO, TARO
from tests.registration.desk import PROFILE, Desk, down, two_rounds_that_break, until
from tests.registration.promises.promised import AGAIN, others, problem
from tests.virtual_time import run


def taking_turns(desk: Desk) -> list[int]:
    """How many tries were under way as each began."""
    under_way, seen = 0, list[int]()
    real = desk.master.register

    async def register(*args: Any, **named: Any) -> Any:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        for _ in range(20):
            await asyncio.sleep(0)
        under_way -= 1
        return await real(*args, **named)

    desk.master.register = register  # type: ignore[method-assign]
    return seen


async def test_eight_go_at_once_in_order_of_arrival(desk: Desk) -> None:
    await others(desk, 19)
    seen = taking_turns(desk)
    assert await desk.deferred._round() is WOKEN
    assert max(seen) == AT_ONCE == 8
    assert [asked.id for asked in desk.master.registered] == [row.id for row in desk.rows()]


async def test_after_five_failures_one_is_tried_at_a_time_and_when_it_works_all_go(
    desk: Desk,
) -> None:
    await others(desk, 19)
    desk.master.ends = [down() for _ in range(5)]
    assert await desk.deferred._round() == AGAIN
    assert len(desk.master.registered) == 5, "the others were put back untried"
    assert desk.deferred._circuit.cause is ErrorClass.TIMEOUT
    await desk.deferred._round()
    assert len(desk.master.registered) == 5, "the gate is shut"
    desk.clock.now += 5.0
    seen = taking_turns(desk)
    assert await desk.deferred._round() is WOKEN
    assert seen[0] == 1
    assert {row.state for row in desk.rows()} == {"accepted"}, "those that failed did not wait"


async def test_once_shopify_works_again_what_failed_does_not_wait_for_its_time(desk: Desk) -> None:
    desk.master.ends = [down()]
    await desk.deferred._round()
    circuit = desk.deferred._circuit
    circuit.half_open()
    await desk.deferred._round()
    assert desk.only.state == "waiting", "nothing was shut"
    circuit.failed(down(kind=ErrorClass.AUTH))
    circuit.half_open()
    await desk.deferred._round()
    assert desk.only.state == "accepted", "at once, whatever its time was"


async def test_after_a_recovery_what_fails_anew_waits_for_its_time(desk: Desk) -> None:
    desk.deferred._circuit.failed(down(kind=ErrorClass.AUTH))
    desk.deferred._circuit.half_open()
    desk.master.ends = [down()]
    for _ in range(2):
        assert await desk.deferred._round() == AGAIN
    assert len(desk.master.registered) == 1


@pytest.mark.parametrize(
    ("live", "error", "opens"), [(True, None, True), (False, None, False), (True, down(), False)]
)
async def test_a_live_sign_up_that_got_through_spares_the_probe(
    desk: Desk, live: bool, error: Any, opens: bool
) -> None:
    circuit, wakes = desk.deferred._circuit, Wakes.of(())
    observer = Observer(create_autospec(Metrics), create_autospec(AlertSender), wakes, circuit)
    observer.shopify_answered(error, live=live)
    assert not wakes.deferred.is_set(), "nothing was shut"
    circuit.failed(down(kind=ErrorClass.AUTH))
    observer.shopify_answered(error, live=live)
    assert (circuit.cause is None) is wakes.deferred.is_set() is opens


@pytest.mark.parametrize(
    ("cause", "after"), [(ErrorClass.AUTH, None), (ErrorClass.TIMEOUT, ErrorClass.TIMEOUT)]
)
async def test_new_credentials_open_what_refused_ones_shut(
    desk: Desk, cause: ErrorClass, after: ErrorClass | None
) -> None:
    desk.deferred._circuit.cause = cause
    desk.deferred.reload()
    assert desk.deferred._circuit.cause is after
    assert desk.deferred._wake.is_set()


async def test_a_probe_that_is_under_way_is_the_only_one(desk: Desk) -> None:
    from gateway.store import deferred as stored

    deferred, circuit = desk.deferred, desk.deferred._circuit
    await others(desk, 9)
    (running,) = stored.claim(desk.db.connection, desk.clock.now, 1)
    assert deferred.room() == 8
    circuit.cause = ErrorClass.TIMEOUT
    assert deferred.room() == 1
    assert await deferred.read([], [running]) is None
    circuit.cause = None
    claimed = await deferred.read([running], [running])
    assert claimed is not None
    assert len(claimed) == 6
    circuit.failed(down(kind=ErrorClass.AUTH))
    for left in (10.0, 1.0, 0.1):
        circuit._until = desk.clock.now + left
        assert deferred.room() == 0
    assert await deferred.read([], [running]) is None


async def test_one_that_was_claimed_while_the_gate_shut_is_put_back_untried(desk: Desk) -> None:
    from gateway.store import deferred

    (claimed,) = deferred.claim(desk.db.connection, desk.clock.now, 1)
    desk.deferred._circuit.failed(down(kind=ErrorClass.AUTH))
    await desk.deferred._follow(claimed)
    assert (desk.column("claimed"), desk.column("tries")) == (0, 0)
    assert desk.master.registered == []


# -- who is at it, and the clock


@pytest.mark.parametrize(("age", "doubt"), [(2.0, 0), (2.5, 1)])
async def test_one_that_was_claimed_and_nobody_is_at_is_taken_up_in_doubt(
    desk: Desk, age: float, doubt: int
) -> None:
    desk.set(claimed=1, updated_at=desk.clock.now)
    desk.clock.now += age
    await desk.deferred._take_up_orphans()
    assert (desk.column("claimed"), desk.column("doubt")) == (1 - doubt, doubt)
    if doubt:
        assert desk.column("next_try_at") == desk.clock.now


@pytest.mark.parametrize("who", ["live", "running"])
async def test_one_that_somebody_is_at_is_left_to_them(desk: Desk, who: str) -> None:
    desk.set(claimed=1, updated_at=0.0)
    task: Any = asyncio.get_running_loop().create_future()
    if who == "live":
        desk.registrar._running[desk.only.id] = task
    else:
        desk.deferred._pump.running[task] = cast("DeferredRegistration", desk.only)
    writes = desk.db.writes
    await desk.deferred._take_up_orphans()
    assert (desk.column("claimed"), desk.db.writes) == (1, writes)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_what_waits_moves_along_with_a_clock_that_was_set(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 0.0)
    jumps = ClockJumps(desk.db, desk)
    due = desk.clock.now + 5.0
    desk.set(next_try_at=due)
    desk.clock.now += jump
    assert await jumps.follow()
    assert desk.column("next_try_at") == due + jump
    assert not await jumps.follow()
    assert desk.column("next_try_at") == due + jump


# -- going on by itself


def test_while_some_wait_they_are_looked_at_every_second() -> None:
    async def scene() -> list[float]:
        desk, times = Desk(), list[float]()

        async def some_wait() -> float:
            times.append(round(asyncio.get_running_loop().time(), 3))
            return AGAIN

        desk.deferred._round = some_wait  # type: ignore[method-assign]
        desk.deferred.start()
        await asyncio.sleep(2.5)
        await desk.deferred.stop()
        return times

    assert run(scene()) == [0.0, 1.0, 2.0]


def test_where_none_waits_it_looks_again_once_it_is_woken() -> None:
    async def scene() -> list[str]:
        desk, states = Desk(), list[str]()
        desk.deferred.start()
        await asyncio.sleep(5)
        await desk.sign_up(later=True)
        await asyncio.sleep(5)
        states.append(desk.only.state)
        desk.deferred.wake()
        await asyncio.sleep(0.1)
        states.append(desk.only.state)
        await desk.deferred.stop()
        return states

    assert run(scene()) == ["waiting", "accepted"]


async def test_it_goes_in_the_backlogs_lane_and_begins_no_more_once_it_is_stopped(
    desk: Desk,
) -> None:
    lanes, names = list[Lane](), list[str]()

    async def looks() -> Any:
        lanes.append(lane.get())
        task = asyncio.current_task()
        assert task is not None
        names.append(task.get_name())
        return Accepted(Customer(TARO, PROFILE), "created")

    desk.master.ends = [looks]
    desk.deferred.start()
    await until(lambda: desk.only.state == "accepted")
    assert (lanes, names) == ([Lane.BACKLOG], ["registrations answered 202"])
    (task,) = desk.deferred._loops._endless
    assert task.get_name() == "registrations answered 202"
    await others(desk, 1)
    desk.deferred.wake()
    await until(lambda: {row.state for row in desk.rows()} == {"accepted"})
    await desk.deferred.stop()
    assert task.cancelled()
    await Desk().deferred.stop()


async def test_a_round_that_breaks_is_told_and_made_again(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await two_rounds_that_break(desk.deferred)
    assert [record.getMessage() for record in caplog.records] == [
        "registrations answered 202: the database cannot be used: full (mend it)",
        "registrations answered 202 failed unexpectedly",
    ]


async def test_the_problem_is_kept_as_it_is_told(desk: Desk) -> None:
    desk.master.ends = [AlreadyRegistered(HANAKO)]
    await desk.deferred._round()
    assert set(problem(desk)) >= {"type", "title", "status", "detail"}
    assert orjson.dumps(problem(desk))
    assert desk.deferred._pump.running == {}
