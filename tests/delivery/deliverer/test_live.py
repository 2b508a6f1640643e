"""The deliverer's live attempts."""

import asyncio

import pytest

from gateway.channels import Done, Work
from gateway.errors import StorageError
from gateway.outcomes import Delivery, Outcome
from tests.delivery.heart import Heart, a_customer


def soon(seconds: float = 1.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def live(heart: Heart, *deliveries: Delivery, seconds: float = 1.0) -> dict[int, str]:
    ended = await heart.deliverer.live(deliveries, a_customer(), fresh=True, until=soon(seconds))
    return {number: str(each.delivery.outcome) for number, each in ended.items()}


async def test_every_part_works_with_the_same_channels(heart: Heart) -> None:
    assert heart.delivery.routes is heart.deliverer.routes is heart.attempts.routes is heart.routes


async def test_live_attempts_are_made_at_once_and_settled(heart: Heart) -> None:
    both = asyncio.Barrier(2)

    async def together(work: Work) -> Done:
        await both.wait()
        return Done("created", "1")

    heart.channels["smaregi"].ends = [together]
    heart.channels["crm"].ends = [together]
    first, second = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    assert await live(heart, first, second) == {first.id: "delivered", second.id: "delivered"}
    assert heart.channels["smaregi"].works[0].fresh
    assert not heart.deliverer.has_work()
    assert {ended.delivery.channel for ended in heart.told} == {"smaregi", "crm"}


async def test_what_ends_together_is_one_commit(heart: Heart) -> None:
    first, second = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    await live(heart, first, second)
    assert heart.db.writes == 1


async def test_a_slow_channel_goes_on_after_the_deadline_and_stays_busy_meanwhile(
    heart: Heart,
) -> None:
    go = asyncio.Event()

    async def slow(work: Work) -> Done:
        await go.wait()
        return Done("created", "1")

    heart.channels["crm"].ends = [slow]
    fast, late = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    assert await live(heart, fast, late, seconds=0.03) == {fast.id: "delivered"}
    assert heart.deliverer.busy == {late.id}
    assert heart.deliverer._live == {late.id}
    assert heart.deliverer.has_work()
    go.set()
    await heart.settled()
    assert heart.row(late).outcome is Outcome.DELIVERED
    assert heart.deliverer.busy == set()
    assert heart.deliverer._live == set()


async def test_what_ends_one_after_the_other_in_time_is_all_settled(heart: Heart) -> None:
    async def slower(work: Work) -> Done:
        await asyncio.sleep(0.05)
        return Done("created", "1")

    heart.channels["crm"].ends = [slower]
    fast, slow = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    assert await live(heart, fast, slow) == {fast.id: "delivered", slow.id: "delivered"}
    assert heart.db.writes == 2


async def test_a_late_attempt_that_the_database_fails_is_free_again(heart: Heart) -> None:
    async def breaks(work: Work) -> Done:
        await asyncio.sleep(0.03)
        raise StorageError("full", "hint")

    heart.channels["smaregi"].ends = [breaks]
    delivery = heart.owed(claimed=True)
    assert await live(heart, delivery, seconds=0.01) == {}
    await heart.settled()
    assert heart.deliverer.busy == set()
    assert heart.row(delivery).outcome is Outcome.PENDING


async def test_without_any_time_left_everything_goes_on_by_itself(heart: Heart) -> None:
    delivery = heart.owed(claimed=True)
    assert await live(heart, delivery, seconds=0.0) == {}
    await heart.settled()
    assert heart.row(delivery).outcome is Outcome.DELIVERED


async def test_an_attempt_that_cannot_be_made_for_want_of_the_database_stays_pending(
    heart: Heart,
) -> None:
    heart.channels["smaregi"].ends = [StorageError("full", "hint")]
    broken, other = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    assert await live(heart, broken, other) == {other.id: "delivered"}
    assert heart.row(broken).outcome is Outcome.PENDING
    assert not heart.deliverer.has_work()
    assert await live(heart, heart.owed("mail", claimed=True)) == {3: "delivered"}


async def test_an_outcome_that_the_disk_does_not_take_is_kept_and_written_later(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def no_time(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.tasks.__sleep0()  # type: ignore[attr-defined]

    monkeypatch.setattr("gateway.delivery.deliverer.asyncio.sleep", no_time)
    heart.db.breaks = 2
    delivery = heart.owed(claimed=True)
    with pytest.raises(StorageError):
        await live(heart, delivery)
    assert heart.deliverer.busy == {delivery.id}, "nobody sends it again meanwhile"
    await heart.settled()
    assert len(heart.channels["smaregi"].works) == 1
    assert heart.row(delivery).outcome is Outcome.DELIVERED
    assert heart.deliverer.busy == set()
    assert 1.0 in pauses


async def test_an_attempt_under_way_at_the_end_is_cancelled_and_due_again(heart: Heart) -> None:
    cancelled = asyncio.Event()

    async def never(work: Work) -> Done:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    heart.channels["smaregi"].ends = [never]
    delivery = heart.owed(claimed=True)
    assert await live(heart, delivery, seconds=0.005) == {}
    await heart.background.finish(0.005)
    await asyncio.sleep(0)
    assert cancelled.is_set()
    assert heart.row(delivery).outcome is Outcome.PENDING


async def test_of_a_live_run_each_stands_as_it_ended_or_as_it_was_written(heart: Heart) -> None:
    async def slow(work: Work) -> Done:
        await asyncio.sleep(0.1)
        return Done("created", "1")

    heart.channels["crm"].ends = [slow]
    fast, late = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    kept = heart.owed("mail", Outcome.HELD)
    run = await heart.deliverer.run_live(
        [fast, late, kept], a_customer(), fresh=True, until=soon(0.03)
    )
    assert list(run.deliveries) == [heart.row(fast), late, kept]
    assert [result.delivery_id for result in run.results] == [fast.id]
    assert heart.row(fast).outcome is Outcome.DELIVERED
    assert heart.channels["mail"].works == [], "it was not claimed for this"
    assert heart.channels["smaregi"].works[0].fresh is True
    await heart.settled()
    assert heart.row(late).outcome is Outcome.DELIVERED


async def test_of_a_live_run_with_nothing_claimed_all_stands_as_it_was_written(
    heart: Heart,
) -> None:
    kept = heart.owed("mail", Outcome.HELD)
    run = await heart.deliverer.run_live([kept], a_customer(), fresh=True, until=soon())
    assert (list(run.deliveries), list(run.results)) == ([kept], [])
    assert (heart.channels["mail"].works, heart.db.writes) == ([], 0)


async def test_of_a_live_run_whose_ends_cannot_be_kept_all_stands_as_it_was_written(
    heart: Heart, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.background._STORAGE_AGAIN", 0.0)
    heart.db.breaks = 1
    owed = [heart.owed(claimed=True), heart.owed("mail", Outcome.HELD)]
    run = await heart.deliverer.run_live(owed, a_customer(), fresh=True, until=soon())
    assert (list(run.deliveries), list(run.results)) == (owed, [])
    assert "outcomes could not be stored yet: the disk is full" in caplog.text
    await heart.settled()
    assert heart.row(owed[0]).outcome is Outcome.DELIVERED
