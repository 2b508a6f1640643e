"""Following what was answered 202: what is tried when, and how each try ends."""

import asyncio
from typing import Any, cast
from unittest.mock import create_autospec

import orjson
import pytest

from flags import Mode
from gateway.alerts import AlertSender
from gateway.background import WOKEN
from gateway.channels import Done, Work
from gateway.customer import Customer
from gateway.delivery import Wakes
from gateway.delivery.clock_jumps import ClockJumps
from gateway.errors import ErrorClass, StorageError
from gateway.registration.deferred import AT_ONCE
from gateway.request_id import request_id
from gateway.shopify import Accepted, AlreadyRegistered, Refused
from gateway.store.deferred import DeferredRegistration
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observer import Observer
from gateway.wire import Lane, lane
from gateway.wording import not_taken
from tests.delivery.heart import HANAKO, TARO
from tests.registration.desk import PROFILE, Desk, down, two_rounds_that_break, until
from tests.virtual_time import run

DAY = 86400.0
AGAIN = 1.0
"""Seconds until the next round while some are left."""


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.sign_up(later=True)
    desk.calls.clear()
    return desk


def problem(desk: Desk) -> Any:
    found = desk.only.problem
    assert found is not None
    return found


# -- one try


async def test_a_promise_is_kept_and_channels_go_by_the_worker(desk: Desk) -> None:
    desk.set(email_verified=1)
    assert await desk.deferred._round() is WOKEN
    (asked,) = desk.master.registered
    assert (asked.id, asked.profile, asked.email_verified) == (desk.only.id, PROFILE, True)
    assert not asked.look_first
    assert asked.seconds == pytest.approx(24.0, abs=0.3)
    assert (desk.only.state, desk.only.customer_id) == ("accepted", TARO)
    assert desk.column("answered") == 1
    assert desk.owed_rows() == {"smaregi": "pending", "crm": "pending", "mail": "pending"}
    assert desk.channels["smaregi"].works == []
    assert desk.results == [None]
    assert desk.told_others.waited_for == [False]
    assert sorted(desk.calls) == ["gone", "owed"]
    assert not desk.deliverer.busy


async def test_a_try_is_made_for_the_request_that_it_began_with_and_counted_in_its_span(
    desk: Desk,
) -> None:
    seen = []

    async def looks() -> Any:
        seen.append(request_id.get())
        return down() if len(seen) == 1 else Accepted(Customer(TARO, PROFILE), "created")

    desk.set(request_id="req-1")
    desk.master.ends = [looks, looks]
    for _ in range(2):
        await desk.deferred._round()
        desk.clock.now += 6
    assert seen == ["req-1", "req-1"]
    identity = desk.only.id
    assert desk.spans.opened == [
        ("registration", (identity, True), {}),
        ("shopify", None, {}),
        ("registration", (identity, False), {}),
        ("shopify", None, {}),
    ]


def told(caplog: pytest.LogCaptureFixture, text: str) -> dict[str, Any]:
    """What the line says beside its text."""
    (record,) = [each for each in caplog.records if text in each.getMessage()]
    names = ("registration_id", "delivery_ids", "error_class", "attempt")
    return {name: getattr(record, name) for name in names if hasattr(record, name)}


async def test_the_log_says_of_each_try_whom_it_was_about_and_which_it_was(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    identity = desk.only.id
    desk.master.ends = [down()]
    await desk.deferred._round()
    desk.clock.now += 6
    await desk.deferred._round()
    about = {"registration_id": identity}
    failed = {"error_class": ErrorClass.TIMEOUT, "attempt": 1}
    assert told(caplog, "Shopify failed") == about | failed
    kept = {"delivery_ids": (1, 2, 3), "attempt": 2}
    assert told(caplog, "Shopify has the customer") == about | kept


async def test_the_log_says_whose_promise_was_rejected(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    desk.master.ends = [Refused((not_taken("phone"),))]
    await desk.deferred._round()
    assert told(caplog, "rejected") == {"registration_id": desk.only.id, "attempt": 1}


async def test_a_rehearsal_is_made_at_once(desk: Desk) -> None:
    desk.modes["crm"] = Mode.DRY_RUN
    await desk.deferred._round()
    assert len(desk.channels["crm"].works) == 1
    assert not desk.channels["crm"].works[0].fresh
    assert desk.owed_rows() == {"smaregi": "pending", "crm": "dry_run", "mail": "pending"}
    (attempt,) = desk.db.connection.execute("SELECT outcome FROM attempts").fetchall()
    assert attempt[0] == "dry_run"


async def test_a_rehearsal_takes_no_longer_than_a_call(desk: Desk) -> None:
    async def never(work: Work) -> Done:
        await asyncio.sleep(60)
        raise AssertionError

    desk.timeout = 0.01
    desk.modes["crm"] = Mode.DRY_RUN
    desk.channels["crm"].ends = [never]
    async with asyncio.timeout(30):
        await desk.deferred._round()
    await desk.background.finish(0.0)


async def test_a_rehearsal_that_the_disk_does_not_take_follows(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def fills_the_disk(work: Work) -> Done:
        desk.db.breaks = 1
        return Done("created", "1")

    desk.modes["crm"] = Mode.DRY_RUN
    desk.channels["crm"].ends = [fills_the_disk]
    await desk.deferred._round()
    assert "outcomes could not be kept, they follow: the disk is full (free some" in caplog.text
    assert desk.only.state == "accepted"
    await desk.background.finish(0.0)


async def test_a_mark_of_an_untold_sign_up_is_ours(desk: Desk) -> None:
    desk.master.marks = [desk.only.id, "another"]
    await desk.deferred._round()
    assert list(desk.master.registered[0].ours.values()) == [True, False]


async def test_what_shopify_refuses_is_rejected_without_what_was_sent(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    desk.master.ends = [Refused((not_taken("phone"),))]
    await desk.deferred._round()
    assert (desk.only.state, problem(desk)["type"]) == ("rejected", "invalid-data")
    assert problem(desk)["errors"] == [not_taken("phone").row()]
    assert desk.only.updated_at == desk.clock.now
    assert (desk.intents(), sorted(desk.calls)) == (0, ["gone", "owed"])
    assert f"registration {desk.only.id}: rejected: invalid-data" in caplog.text


@pytest.mark.parametrize("verified", [0, 1])
async def test_who_is_registered_already_has_proven_a_verified_e_mail(
    desk: Desk, verified: int
) -> None:
    desk.set(email_verified=verified)
    desk.master.ends = [AlreadyRegistered(HANAKO)]
    await desk.deferred._round()
    assert problem(desk)["type"] == "already-registered"
    proven = {HANAKO: desk.keys.email(PROFILE.email)}
    assert desk.proven() == (proven if verified else {})


async def test_what_cannot_be_read_any_more_ends_and_somebody_is_told(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.db.connection.execute("UPDATE intents SET sealed = x'00'")
    await desk.deferred._round()
    assert (desk.only.state, problem(desk)["type"]) == ("rejected", "unreadable")
    assert desk.only.updated_at == desk.clock.now
    assert desk.master.registered == []
    ((kind, text),) = desk.hopeless
    assert kind is ErrorClass.INVALID_DATA
    assert text.startswith("its data cannot be read any more: GATEWAY_SECRET was changed")
    assert f"registration {desk.only.id}: {text}" in caplog.text
    assert sorted(desk.calls) == ["gone", "unclear"]


async def test_without_an_intent_there_is_nothing_to_read(desk: Desk) -> None:
    desk.db.connection.execute("DELETE FROM intents")
    await desk.deferred._round()
    assert problem(desk)["type"] == "unreadable"


# -- a try that failed


async def test_a_failure_is_tried_again_by_the_schedule_and_looked_for_first(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    error = down()
    desk.master.ends = [error]
    assert await desk.deferred._round() == AGAIN
    assert desk.only.state == "waiting"
    assert 5.0 <= desk.column("next_try_at") - desk.clock.now <= 5.5
    assert (desk.column("doubt"), desk.column("claimed"), desk.column("tries")) == (1, 0, 1)
    assert desk.results == [error]
    assert desk.told_others.waited_for == [False]
    text = f"registration {desk.only.id} waits on: Shopify failed: call: it went wrong"
    assert text in caplog.text
    await desk.deferred._round()
    assert len(desk.master.registered) == 1, "not before its time"
    desk.clock.now += 6
    await desk.deferred._round()
    assert desk.master.registered[1].look_first
    assert desk.only.state == "accepted"


async def test_what_is_not_due_yet_is_not_tried_when_the_gateway_starts(desk: Desk) -> None:
    desk.set(next_try_at=desk.clock.now + 100.0)
    assert await desk.deferred._round() == AGAIN
    assert desk.master.registered == []


async def test_what_was_certainly_not_carried_out_is_no_doubt_and_takes_none_away(
    desk: Desk,
) -> None:
    desk.master.ends = [down(applied=False)]
    await desk.deferred._round()
    assert desk.column("doubt") == 0
    desk.set(doubt=1)
    desk.clock.now += 6
    desk.master.ends = [down(applied=False)]
    await desk.deferred._round()
    assert desk.column("doubt") == 1


@pytest.mark.parametrize(
    ("tries", "error", "low", "high"),
    [
        (1, down(), 5.0, 5.5),
        (2, down(), 30.0, 33.0),
        (9, down(), 30.0, 33.0),
        (1, down(retry_after=100.0), 100.0, 100.0),
        (1, down(retry_after=1.0), 5.0, 5.5),
        (1, down(retry_after=90000.0), 21600.0, 21600.0),
        (1, down(kind=ErrorClass.RATE_LIMIT), 1.0, 1.0),
        (1, down(kind=ErrorClass.RATE_LIMIT, retry_after=3.0), 3.0, 3.0),
    ],
)
async def test_the_delay_is_by_the_schedule_and_never_less_than_was_asked_for(
    desk: Desk, tries: int, error: Any, low: float, high: float
) -> None:
    found = {desk.deferred._delay(tries, error) for _ in range(50)}
    assert low <= min(found)
    assert max(found) <= high
    assert (len(found) > 1) is (low != high)


async def test_no_delay_is_longer_than_ten_minutes(desk: Desk) -> None:
    desk.schedule = (5.0, 43200.0)
    found = [desk.deferred._delay(2, down()) for _ in range(300)]
    assert 600.0 <= min(found) < 600.9
    assert max(found) <= 660.0
    desk.schedule = (0.1,)
    assert 0.1 <= desk.deferred._delay(1, down()) < 0.12
    desk.schedule = ()
    assert 600.0 <= desk.deferred._delay(1, down()) <= 660.0


async def test_our_own_pace_is_no_trouble_of_shopifys(desk: Desk) -> None:
    desk.master.ends = [down(kind=ErrorClass.RATE_LIMIT)]
    await desk.deferred._round()
    assert desk.results == []


async def test_what_breaks_otherwise_gives_the_probe_back(desk: Desk) -> None:
    circuit = desk.deferred._circuit
    circuit.cause = ErrorClass.TIMEOUT
    desk.master.ends = [StorageError("full", "hint")]
    await desk.deferred._round()
    assert circuit.cause is ErrorClass.TIMEOUT
    assert circuit._probing is None


# -- the end of the day


async def test_after_a_day_it_is_given_up_with_the_reason(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.clock.now += DAY
    desk.master.ends = [down(kind=ErrorClass.CONNECTION, applied=False)]
    await desk.deferred._round()
    assert (desk.only.state, problem(desk)["type"]) == ("rejected", "shopify-unavailable")
    assert problem(desk)["detail"].startswith("Shopify cannot be reached")
    ((kind, text),) = desk.hopeless
    assert (kind, desk.told_others.areas) == (ErrorClass.TOO_LATE, ["registrations"])
    assert text == "a registration that was answered 202 could not reach Shopify for 24 hours"
    assert f"registration {desk.only.id}: given up: Shopify: connection" in caplog.text
    assert sorted(desk.calls) == ["gone", "unclear"]
    assert desk.intents() == 0


async def test_before_its_day_is_over_it_is_not_given_up(desk: Desk) -> None:
    desk.clock.now += DAY - 1
    desk.master.ends = [down()]
    await desk.deferred._round()
    assert (desk.only.state, desk.hopeless, desk.calls) == ("waiting", [], [])


async def test_one_in_doubt_that_is_given_up_is_asked_for_until_it_is_clear(desk: Desk) -> None:
    desk.clock.now += DAY
    desk.master.ends = [down()]
    await desk.deferred._round()
    assert (desk.only.state, desk.intents()) == ("unclear", 1)


async def test_while_shopify_is_down_all_whose_day_is_over_are_given_up(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.deferred.PAGE", 2)
    await others(desk, 5)
    desk.clock.now += DAY
    desk.deferred._circuit.failed(down(kind=ErrorClass.AUTH))
    desk.deferred._circuit._until = 0.0
    desk.master.ends = [down(kind=ErrorClass.AUTH, applied=False)]
    await desk.deferred._round()
    assert {row.state for row in desk.rows()} == {"rejected"}
    assert len(desk.hopeless) == 6
    assert caplog.text.count("given up: Shopify: auth") == 6
    assert len(desk.master.registered) == 1


async def test_while_shopify_works_for_others_only_this_one_is_given_up(desk: Desk) -> None:
    await others(desk, 1)
    desk.clock.now += DAY
    desk.deferred._circuit.window = 1
    desk.master.ends = [down(applied=False)]
    await desk.deferred._round()
    assert sorted(row.state for row in desk.rows()) == ["accepted", "rejected"]


# -- how many, and in which order


async def others(desk: Desk, number: int) -> None:
    from dataclasses import replace

    from gateway.registration.intent import SignUp

    for each in range(number):
        desk.clock.now += 0.01
        profile = replace(PROFILE, email=f"other{each}@example.com")
        await desk.registrar.register(SignUp(profile, email_verified=False, later=True))
    desk.calls.clear()


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
    assert (lanes, names) == ([Lane.BACKLOG], ["promised registrations"])
    (task,) = desk.deferred._loops._endless
    assert task.get_name() == "promised registrations"
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
        "promised registrations: the database cannot be used: full (mend it)",
        "promised registrations stumbled",
    ]


async def test_the_problem_is_kept_as_it_is_told(desk: Desk) -> None:
    desk.master.ends = [AlreadyRegistered(HANAKO)]
    await desk.deferred._round()
    assert set(problem(desk)) >= {"type", "title", "status", "detail"}
    assert orjson.dumps(problem(desk))
    assert desk.deferred._pump.running == {}
