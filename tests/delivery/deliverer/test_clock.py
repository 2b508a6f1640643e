"""The clock is set while deliveries wait."""

import asyncio

import pytest

from gateway.customer import Customer
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Kind, Outcome, Waiting
from gateway.store.outbox import AttemptResult
from tests.delivery.deliverer.live_run import an_end
from tests.delivery.heart import Heart, TheSettings


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 5.0])
async def test_what_waits_moves_along_with_a_clock_that_was_set(
    heart: Heart,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    jump: float,
) -> None:
    waiting = heart.change(heart.owed(), outcome="retrying", next_attempt_at=2_000_000.0)
    clock_jumps = heart.delivery.clock_jumps
    clock_jumps._offset = heart.clock.now - 50.0
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 50.0)
    assert not await clock_jumps.follow()
    heart.clock.now += jump
    assert await clock_jumps.follow()
    assert heart.row(waiting).next_attempt_at == 2_000_000.0 + jump
    assert not await clock_jumps.follow()
    assert heart.row(waiting).next_attempt_at == 2_000_000.0 + jump
    assert f"the wall clock jumped by {jump:.0f} s" in caplog.text


async def test_a_clock_that_is_a_little_off_moves_nothing_and_adds_nothing_up(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 0.0
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: moment)
    clock_jumps = heart.delivery.clock_jumps
    clock_jumps._offset = heart.clock.now
    waiting = heart.change(heart.owed(), outcome="retrying", next_attempt_at=2_000_000.0)
    for _ in range(5):
        heart.clock.now += 4.0
        assert not await clock_jumps.follow()
    assert heart.row(waiting).next_attempt_at == 2_000_000.0


async def test_a_clock_that_goes_on_by_itself_was_not_set(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 50.0
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: moment)
    clock_jumps = heart.delivery.clock_jumps
    ahead = clock_jumps.ahead()
    heart.clock.now += 600.0
    moment += 600.0
    assert clock_jumps.since(ahead) == 0.0
    heart.clock.now -= 60.0
    assert clock_jumps.since(ahead) == -60.0


async def test_webhooks_move_along_once_and_a_move_that_broke_off_is_ended(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[float] = []
    units: list[tuple[float, int]] = []

    def shift_events(db: object, seconds: float, below: int, before: float) -> None:
        moved.append(seconds)

    def shift(db: object, seconds: float, below: int) -> int | None:
        units.append((seconds, below))
        return below - 1 if len(units) % 3 else None

    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 0.0)
    monkeypatch.setattr("gateway.store.outbox.shift_events", shift_events)
    monkeypatch.setattr("gateway.store.outbox.shift", shift)
    clock_jumps = heart.delivery.clock_jumps
    clock_jumps._offset = heart.clock.now
    heart.clock.now += 60.0
    write, calls = heart.db.write, 0

    async def breaks_once(unit: object, keys: object = None) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StorageError("full", "hint")
        return await write(unit)  # type: ignore[arg-type]

    monkeypatch.setattr(heart.db, "write", breaks_once)
    with pytest.raises(StorageError):
        await clock_jumps.follow()
    assert (moved, units) == ([], [(60.0, 2**62)])
    assert not await clock_jumps.follow(), "it has jumped no further"
    assert units == [(60.0, 2**62), (60.0, 2**62 - 1), (60.0, 2**62 - 2)]
    assert moved == [60.0]


async def test_two_who_follow_at_once_move_it_once(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 0.0)
    clock_jumps = heart.delivery.clock_jumps
    clock_jumps._offset = heart.clock.now
    waiting = heart.change(heart.owed(), outcome="retrying", next_attempt_at=2_000_000.0)
    heart.clock.now += 60.0
    await asyncio.gather(clock_jumps.follow(), clock_jumps.follow())
    assert heart.row(waiting).next_attempt_at == 2_000_060.0


async def test_an_end_is_written_by_the_clock_that_what_waits_goes_by(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes when something is due follows the clock first."""
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 0.0)
    heart.delivery.clock_jumps._offset = heart.clock.now
    waiting = heart.change(heart.owed("crm"), outcome="retrying", next_attempt_at=2_000_000.0)
    delivery = heart.owed("smaregi")
    heart.clock.now += 60.0
    await heart.deliverer._results.settle([an_end(delivery)])
    assert heart.row(waiting).next_attempt_at == 2_000_060.0
    heart.clock.now += 60.0
    await heart.deliverer._results.postpone(
        [heart.owed("mail")], heart.attempts.paused(heart.circuit()), 0
    )
    assert heart.row(waiting).next_attempt_at == 2_000_120.0
    heart.clock.now += 60.0
    await heart.deliverer.wake(Waiting.INDEX)
    assert heart.row(waiting).next_attempt_at == 2_000_180.0


async def test_an_end_that_the_disk_takes_late_moves_along_each_time_the_clock_is_set(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 0.0)
    clock_jumps, write = heart.delivery.clock_jumps, heart.db.write
    clock_jumps._offset = heart.clock.now
    delivery = heart.owed()
    end = AttemptResult(delivery.id, Outcome.RETRYING, started_at=1.0, next_attempt_at=2e6)
    end.ahead = clock_jumps.ahead()

    async def full(unit: object, keys: object = None) -> object:
        raise StorageError("full", "hint")

    for jump in (60.0, -600.0):
        heart.clock.now += jump
        assert await clock_jumps.follow()
        monkeypatch.setattr(heart.db, "write", full)
        with pytest.raises(StorageError):
            await heart.deliverer._results.settle([end])
        monkeypatch.setattr(heart.db, "write", write)
    await heart.deliverer._results.settle([end])
    assert heart.row(delivery).next_attempt_at == 2e6 - 540.0


async def test_an_end_whose_clock_is_not_known_is_written_as_it_is(heart: Heart) -> None:
    delivery = heart.owed()
    end = AttemptResult(delivery.id, Outcome.RETRYING, started_at=1.0, next_attempt_at=2e6)
    heart.clock.now += 3600.0
    await heart.deliverer._results.settle([end])
    assert heart.row(delivery).next_attempt_at == 2e6


async def test_what_is_postponed_while_the_clock_is_set_goes_by_the_new_one(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_set() -> bool:
        heart.clock.now += 3600.0
        return True

    monkeypatch.setattr(heart.delivery.clock_jumps, "follow", is_set)
    decision, delivery = heart.attempts.paused(heart.circuit()), heart.owed()
    await heart.deliverer._results.postpone([delivery], decision, 0)
    again = heart.row(delivery).next_attempt_at
    assert again == pytest.approx(heart.clock.now + 1.0, abs=0.1)


async def test_a_removal_from_an_unset_channel_is_not_kept_from_a_person(heart: Heart) -> None:
    heart.settings["smaregi"] = TheSettings(lacking="POS_TOKEN: is not set")
    customer: Customer | None = None
    after = await heart.deliverer.again(heart.owed(kind=Kind.REMOVAL), customer)
    assert after is not None
    assert after.error_class is ErrorClass.CONFLICT
