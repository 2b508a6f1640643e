"""A try that failed, and the end of the day."""

from typing import Any

import pytest

from gateway.errors import ErrorClass, StorageError
from tests.registration.desk import Desk, down
from tests.registration.promises.promised import AGAIN, others, problem

DAY = 86400.0


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
    assert desk.listener.waited_for == [False]
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
    assert 600.0 <= min(found) < 606.0
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
    assert (kind, desk.listener.areas) == (ErrorClass.TOO_LATE, ["registrations"])
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
