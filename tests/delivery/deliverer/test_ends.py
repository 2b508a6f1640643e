"""The deliverer's work in the background, its shutdown, and how ends are written."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from gateway.delivery.running import Running
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Outcome
from gateway.store.outbox import AttemptResult
from tests.delivery.deliverer.live_run import an_end
from tests.delivery.heart import Heart
from tests.virtual_time import run


async def test_what_failed_in_the_background_is_told_by_its_kind_alone(
    heart: Heart, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(error: Exception) -> None:
        raise error

    tasks = [
        heart.background.keep(breaks(error), "work")
        for error in (ValueError("yamada@example.com"), StorageError("disk full", "hint"))
    ]
    assert heart.deliverer.has_work()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == [
        "work failed: ValueError",
        "work failed: disk full",
    ]
    assert not heart.deliverer.has_work()


async def test_what_ended_well_or_was_cancelled_is_no_failure(
    heart: Heart, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    cancelled = heart.background.keep(asyncio.sleep(60), "cancelled")
    heart.background.keep(asyncio.sleep(0), "kept")
    heart.background.run(asyncio.sleep(0), "endless")
    await asyncio.sleep(0)
    cancelled.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert (caplog.records, told) == ([], [])
    assert (heart.background._kept, heart.background._endless) == (set(), set())


async def test_shutdown_waits_for_what_is_under_way_but_not_for_what_never_ends(
    heart: Heart,
) -> None:
    ended = []

    async def short() -> None:
        await asyncio.sleep(0.01)
        ended.append("short")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    heart.background.keep(short(), "short")
    heart.background.run(endless(), "endless")
    assert heart.deliverer.has_work()
    began = asyncio.get_running_loop().time()
    await heart.background.finish(5.0)
    assert ended == ["short", "endless"]
    assert asyncio.get_running_loop().time() - began < 1.0


async def test_shutdown_cancels_what_does_not_end_in_time(heart: Heart) -> None:
    task = heart.background.keep(asyncio.sleep(60), "long")
    await heart.background.finish(0.01)
    assert task.cancelled()
    await Heart().background.finish(0.01)


async def test_of_two_that_end_together_one_that_cannot_be_written_spoils_nothing(
    heart: Heart,
) -> None:
    good, bad = heart.owed("smaregi"), heart.owed("crm")
    ends = [an_end(bad, reference="2", fingerprints={"name": object()}), an_end(good)]
    settled = await heart.deliverer._results.settle(ends)
    assert [str(each.delivery.outcome) for each in settled] == ["failed", "delivered"]


async def test_an_outcome_waits_a_hundredth_of_a_second_for_another_and_no_longer() -> None:
    def ends_in(seconds: float) -> "asyncio.Task[AttemptResult]":
        async def later() -> AttemptResult:
            await asyncio.sleep(seconds)
            return AttemptResult(1, Outcome.DELIVERED, started_at=1.0)

        return asyncio.create_task(later())

    async def scene() -> tuple[list[bool], float, int]:
        loop = asyncio.get_running_loop()
        running = [ends_in(seconds) for seconds in (1.0, 1.005, 1.5)]
        ends = Running(running, loop)
        done = await ends.ended_together(5.0)
        at = loop.time()
        none = await ends.ended_together(at + 0.1)
        running[2].cancel()
        return [each in done for each in running], at, len(none)

    def in_a_thread() -> tuple[list[bool], float, int]:
        return run(scene())

    together, at, none = await asyncio.to_thread(in_a_thread)
    assert together == [True, True, False]
    assert at == pytest.approx(1.01)
    assert none == 0


async def test_what_ended_while_others_were_written_is_next_and_the_last_waits_for_none() -> None:
    async def ends_in(seconds: float) -> AttemptResult:
        await asyncio.sleep(seconds)
        return AttemptResult(1, Outcome.DELIVERED, started_at=1.0)

    async def scene() -> list[tuple[int, float]]:
        loop = asyncio.get_running_loop()
        times = (1.0, 1.001, 1.5, 1.6, 3.0)
        ends = Running([loop.create_task(ends_in(seconds)) for seconds in times], loop)
        first = (len(await ends.ended_together(5.0)), loop.time())
        await asyncio.sleep(1.0)  # as long as outcomes are written
        meanwhile = (len(await ends.ended_together(5.0)), loop.time())
        return [first, meanwhile, (len(await ends.ended_together(5.0)), loop.time())]

    seen = await asyncio.to_thread(lambda: run(scene()))
    assert [number for number, _ in seen] == [2, 2, 1]
    assert [at for _, at in seen] == pytest.approx([1.01, 2.02, 3.0])


async def test_what_has_ended_by_the_time_that_others_are_written_is_written_with_them() -> None:
    """The loop tells of it only a turn later, and a turn of a busy loop is long."""

    async def ends_in(seconds: float) -> AttemptResult:
        await asyncio.sleep(seconds)
        return AttemptResult(1, Outcome.DELIVERED, started_at=1.0)

    async def scene() -> int:
        loop = asyncio.get_running_loop()
        times = (1.0, 1.01 - 5e-10, 1.5)  # of the second the loop hears as the wait is over
        ends = Running([loop.create_task(ends_in(seconds)) for seconds in times], loop)
        return len(await ends.ended_together(5.0))

    assert await asyncio.to_thread(lambda: run(scene())) == 2


async def test_an_end_that_cannot_be_written_spoils_no_other_and_has_failed(
    heart: Heart, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad, third = heart.owed("smaregi"), heart.owed("crm"), heart.owed("mail")
    ends = [
        an_end(good, reference="1", fingerprints={}),
        an_end(bad, reference="2", fingerprints={"name": object()}, duration=0.25),
        an_end(third, reference="3", fingerprints={}),
    ]
    settled = await heart.deliverer._results.settle(ends)
    assert [each.delivery.id for each in settled] == [good.id, bad.id, third.id]
    assert [str(each.delivery.outcome) for each in settled] == ["delivered", "failed", "delivered"]
    row = heart.row(bad)
    assert row.error_class is ErrorClass.UNEXPECTED
    assert row.message == (
        "the attempt was made (delivered), its outcome could not be written: TypeError;"
        " see the log, then replay it"
    )
    (attempt,) = heart.history(bad)
    assert (attempt["started_at"], attempt["duration"]) == (1.0, 0.25)
    assert f"the outcome of delivery {bad.id} cannot be written" in caplog.text


async def test_whoever_listens_and_breaks_changes_nothing(
    heart: Heart, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(_: object) -> None:
        raise ValueError

    heart.listener.attempt_ended = breaks  # type: ignore[method-assign, assignment]
    delivery = heart.owed()
    await heart.deliverer._results.settle([an_end(delivery)])
    assert heart.row(delivery).outcome is Outcome.DELIVERED
    assert f"the end of delivery {delivery.id} could not be told" in caplog.text


async def test_the_ends_are_told_in_their_order_and_only_once_they_are_written(
    heart: Heart,
) -> None:
    gone, there = heart.owed("smaregi"), heart.owed("crm")
    heart.change(gone, outcome="discarded")
    end = AttemptResult(gone.id, Outcome.FAILED, started_at=1.0)
    settled = await heart.deliverer._results.settle([end, an_end(there)])
    assert [each.delivery.id for each in settled] == [there.id]
    assert heart.told == settled
    assert heart.row(there).updated_at == heart.clock.now


async def test_what_ends_together_is_told_together(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    @contextmanager
    def together() -> Iterator[None]:
        assert heart.told == []
        yield
        told.append(len(heart.told))

    monkeypatch.setattr(heart.listener, "together", together)
    ends = [an_end(heart.owed(channel)) for channel in ("smaregi", "crm", "mail")]
    await heart.deliverer._results.settle(ends)
    assert told == [3]


async def test_only_what_waits_is_postponed(heart: Heart) -> None:
    decision = heart.attempts.paused(heart.circuit())
    kept = heart.owed("smaregi", Outcome.HELD)
    await heart.deliverer._results.postpone([kept], decision, 0)
    assert heart.db.writes == 0
    pending, again = heart.owed("crm"), heart.change(heart.owed("mail"), outcome="retrying")
    await heart.deliverer._results.postpone([kept, pending, again], decision, 0)
    rows = [heart.row(each) for each in (kept, pending, again)]
    assert [str(row.outcome) for row in rows] == ["held", "retrying", "retrying"]
    assert [row.next_attempt_at for row in rows] == [None, *[heart.clock.now + 1.0] * 2]
    assert rows[1].updated_at == heart.clock.now


async def test_an_end_without_an_attempt_is_written_and_told(heart: Heart) -> None:
    delivery = heart.owed()
    heart.clock.now += 7
    after = await heart.deliverer._results.end(
        delivery, Outcome.FAILED, ErrorClass.CONFLICT, "because"
    )
    assert after == heart.row(delivery)
    assert after is not None
    assert (after.outcome, after.error_class, after.message) == (
        Outcome.FAILED,
        ErrorClass.CONFLICT,
        "because",
    )
    (attempt,) = heart.history(delivery)
    assert attempt["started_at"] == heart.clock.now
    heart.change(delivery, outcome="discarded")
    failed = partial(heart.deliverer._results.end, delivery, Outcome.FAILED, None, "because")
    assert await failed() is None
