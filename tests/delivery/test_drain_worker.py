"""The worker: when it looks, what it tries and what breaks it."""

from typing import Any

import pytest

from gateway.channels import Done, Work
from gateway.delivery.drain import BATCH
from gateway.delivery.worker import IDLE
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Outcome
from gateway.wire import Lane, lane
from tests.delivery.backlog import a_heart, a_worker, seconds, working
from tests.delivery.heart import Heart, trouble
from tests.virtual_time import run


def test_the_worker_sends_what_is_due_in_the_backlogs_lane() -> None:
    async def scene() -> None:
        heart = Heart()
        lanes = []

        async def looks(work: Work) -> Done:
            lanes.append(lane.get())
            return Done("created", "1")

        heart.channels["crm"].ends = [looks]
        read = heart.shopify.read_each

        async def read_each(ids: Any) -> Any:
            lanes.append(lane.get())
            return await read(ids)

        heart.shopify.read_each = read_each  # type: ignore[method-assign, assignment]
        delivery = heart.owed("crm")
        await working(heart, a_worker(heart))
        assert heart.row(delivery).outcome is Outcome.DELIVERED
        assert lanes == [Lane.BACKLOG, Lane.BACKLOG]

    run(scene())


def test_an_idle_worker_looks_every_second_and_at_once_when_it_is_woken() -> None:
    async def scene() -> None:
        heart = Heart()
        worker = a_worker(heart)
        worker.start()
        await seconds(0.5)
        first = heart.owed("crm")
        await seconds(0.4)
        assert heart.row(first).outcome is Outcome.PENDING
        await seconds(0.2)
        assert heart.row(first).outcome is Outcome.DELIVERED
        second, third = heart.owed("crm"), heart.owed("smaregi")
        worker.wake("smaregi")
        await seconds(0.1)
        assert heart.row(second).outcome is Outcome.PENDING
        assert heart.row(third).outcome is Outcome.DELIVERED
        worker.wake()
        await seconds(0.1)
        assert heart.row(second).outcome is Outcome.DELIVERED
        await worker.stop()
        assert not worker._loops._endless

    run(scene())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            StorageError("disk", "mend it"),
            "worker of crm: the database cannot be used: disk (mend it)",
        ),
        (ValueError("yamada"), "worker of crm failed unexpectedly"),
    ],
)
def test_a_round_that_breaks_is_told_and_made_again(
    caplog: pytest.LogCaptureFixture, error: Exception, told: str
) -> None:
    async def scene() -> None:
        heart = Heart()
        worker = a_worker(heart)
        rounds = []

        async def breaks(route: Any) -> float:
            rounds.append(route.spec.name)
            raise error

        worker._channel = breaks  # type: ignore[method-assign]
        await working(heart, worker, 1.5)
        assert sorted(rounds) == ["crm", "crm", "mail", "mail", "smaregi", "smaregi"]

    run(scene())
    assert [r.getMessage() for r in caplog.records if "crm" in r.getMessage() or "disk" in told]
    assert told in caplog.text


def test_only_what_was_never_tried_to_its_end_is_taken_where_retries_are_a_persons() -> None:
    async def scene() -> None:
        heart = Heart()
        retrying = heart.change(
            heart.owed("crm"), outcome="retrying", next_attempt_at=heart.clock.now
        )
        pending = heart.owed("smaregi")
        await working(heart, a_worker(heart, auto=False))
        assert heart.row(retrying) == retrying
        assert heart.row(pending).outcome is Outcome.DELIVERED
        await working(heart, a_worker(heart))
        assert heart.row(retrying).outcome is Outcome.DELIVERED

    run(scene())


def test_every_loop_of_the_worker_has_a_name_of_its_own() -> None:
    async def scene() -> list[str]:
        worker = a_worker(Heart())
        worker.start()
        names = [task.get_name() for task in worker._loops._endless]
        await worker.stop()
        return names

    loops = ["smaregi", "crm", "mail", "held deliveries", "the clock"]
    assert sorted(run(scene())) == sorted(f"worker of {name}" for name in loops)


def test_while_a_gate_is_shut_its_channel_is_not_looked_at() -> None:
    async def scene() -> None:
        heart = Heart()
        delivery = heart.owed("crm")
        worker = a_worker(heart)
        heart.circuit("crm").failed(trouble(ErrorClass.AUTH))
        assert await worker._channel(heart.routes["crm"]) == IDLE
        assert heart.shopify.asked == []
        heart.clock.now += 10.0
        assert await worker._channel(heart.routes["crm"]) == 0.0
        assert heart.row(delivery).outcome is Outcome.DELIVERED
        assert await worker._channel(heart.routes["crm"]) == IDLE

    run(scene())


def test_what_is_under_way_or_passed_over_is_not_due() -> None:
    async def scene() -> list[int]:
        heart = a_heart()
        owed = [heart.owed("crm", customer=number) for number in range(1, 6)]
        heart.deliverer.busy.add(owed[0].id)
        found = await a_worker(heart)._due("crm", 2, {owed[2].id})
        return [each.customer_id for each in found]

    assert run(scene()) == [2, 4]


@pytest.mark.parametrize("signing_up", [1, BATCH])
def test_whoever_signs_up_during_a_look_is_left_to_the_sign_up_and_hides_nobody(
    signing_up: int,
) -> None:
    async def scene() -> None:
        heart = Heart()
        theirs = [heart.owed("crm", customer=each) for each in range(1, signing_up + 1)]
        waiting = heart.owed("crm") if signing_up == BATCH else None
        read = heart.db.read

        async def look(unit: Any) -> Any:
            found = await read(unit)
            heart.deliverer.busy.update(each.id for each in theirs)
            return found

        heart.db.read = look  # type: ignore[method-assign]
        rounds = await a_worker(heart)._channel(heart.routes["crm"])
        assert [heart.row(each) for each in theirs] == theirs
        assert len(heart.shopify.asked) == (1 if waiting else 0)
        assert rounds == (0.0 if waiting else IDLE)
        if waiting:
            assert heart.row(waiting).outcome is Outcome.DELIVERED

    run(scene())
