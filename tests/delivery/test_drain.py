"""Draining a channel's backlog, and the worker that does it: in virtual time, so that waiting costs
nothing and the order stays exact.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from flags import Mode
from gateway.channels import Done, Work
from gateway.delivery import Wakes, Worker
from gateway.delivery.drain import BATCH, Drain
from gateway.delivery.worker import IDLE
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Delivery, Kind, Outcome
from gateway.store import outbox
from gateway.wire import Lane, lane
from tests.delivery.heart import TARO, Heart, a_customer, trouble
from tests.virtual_time import run

PEOPLE = range(1, 121)


def a_heart(people: Sequence[int] = PEOPLE) -> Heart:
    return Heart(*(a_customer(number) for number in people))


class Backlog:
    """A run of the drain over what the outbox has due; what it asked for, and kept back."""

    def __init__(self, heart: Heart, channel: str = "crm") -> None:
        self.heart = heart
        self.channel = channel
        self.asked: list[tuple[int, set[int]]] = []
        self.kept: list[int] = []
        self.keepings = 0
        self.drain = Drain(
            heart.routes[channel],
            heart.deliverer,
            heart.background,
            due=self.due,
            keeping=self.keeping,
        )

    async def due(self, limit: int, passed: set[int]) -> list[Delivery]:
        self.asked.append((limit, set(passed)))
        db, now = self.heart.db.connection, self.heart.clock.now
        busy = self.heart.deliverer.busy | passed | set(self.kept)
        return outbox.due(db, self.channel, now, limit, busy)

    def keeping(self) -> Callable[[Sequence[Delivery]], Coroutine[Any, Any, None]]:
        self.keepings += 1

        async def keep(deliveries: Sequence[Delivery]) -> None:
            self.kept += [each.id for each in deliveries]

        return keep


def most_at_once(heart: Heart, seconds: float = 0.1) -> list[int]:
    """How many attempts were under way as each began; each takes so long."""
    under_way, seen = 0, list[int]()

    async def takes_a_while(work: Work) -> Done:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        await asyncio.sleep(seconds)
        under_way -= 1
        return Done("created", f"r{work.customer.id}")

    heart.channels["crm"].ends = [takes_a_while] * 1000
    return seen


def test_all_that_is_due_is_sent_with_the_window_full_and_customers_read_in_batches() -> None:
    async def scene() -> None:
        heart = a_heart()
        for number in PEOPLE:
            heart.owed("crm", customer=number)
        heart.circuit("crm").window = heart.circuit("crm")._widest = 10
        seen, backlog = most_at_once(heart), Backlog(heart)
        began = asyncio.get_running_loop().time()
        assert await backlog.drain.run() is True
        assert [len(asked) for asked in heart.shopify.asked] == [50, 50, 20]
        assert max(seen) == 10
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.2)
        assert {limit for limit, _ in backlog.asked} == {BATCH}
        works = heart.channels["crm"].works
        assert [work.customer.id for work in works] == list(PEOPLE), "in order, each once"
        assert backlog.kept == []
        assert not heart.deliverer.has_work()

    run(scene())


def test_the_next_customers_are_read_while_attempts_are_under_way_and_those_passed_over() -> None:
    async def scene() -> None:
        heart = a_heart()
        for number in range(1, 61):
            heart.owed("crm", customer=number)
        heart.circuit("crm").window = heart.circuit("crm")._widest = 5
        most_at_once(heart)
        backlog = Backlog(heart)
        await backlog.drain.run()
        limit, passed = backlog.asked[1]
        assert limit == BATCH
        assert passed == set(range(46, 51)), "what is ready or under way"

    run(scene())


def test_with_nothing_due_nothing_is_tried() -> None:
    async def scene() -> bool:
        return await Backlog(a_heart()).drain.run()

    assert run(scene()) is False


def test_a_shut_channel_is_tried_by_one_and_then_ever_more() -> None:
    async def scene() -> tuple[list[int], list[int]]:
        heart = a_heart()
        for number in range(1, 31):
            heart.owed("crm", customer=number)
        heart.circuit("crm").cause = ErrorClass.TIMEOUT
        seen, backlog = most_at_once(heart), Backlog(heart)
        assert await backlog.drain.run() is True
        return seen, [limit for limit, _ in backlog.asked]

    seen, limits = run(scene())
    assert seen[:2] == [1, 1]
    assert max(seen) > 8
    assert (limits[0], limits[-1]) == (1, BATCH)


def test_a_gate_that_shuts_ends_the_run_and_leaves_what_was_not_begun_as_it_was() -> None:
    async def scene() -> None:
        heart = a_heart()
        owed = [heart.owed("crm", customer=number) for number in range(1, 9)]
        heart.circuit("crm").window = heart.circuit("crm")._widest = 2
        heart.channels["crm"].ends = [trouble(ErrorClass.AUTH)] * 8
        backlog = Backlog(heart)
        assert await backlog.drain.run() is True
        rows = [heart.row(each) for each in owed]
        assert len(heart.channels["crm"].works) == 2
        assert rows[2:] == owed[2:]
        assert not heart.deliverer.has_work()

    run(scene())


def test_a_gate_that_stays_shut_lets_nobody_begin() -> None:
    async def scene() -> bool:
        heart = a_heart()
        heart.owed("crm", customer=1)
        heart.circuit("crm").failed(trouble(ErrorClass.AUTH))
        heart.clock.now += 9.5
        return await Backlog(heart).drain.run()

    assert run(scene()) is False


def test_what_its_flag_did_not_let_go_is_kept_back_and_nothing_else() -> None:
    async def scene() -> None:
        heart = a_heart()
        first, second = heart.owed("crm", customer=1), heart.owed("crm", customer=2)
        heart.channels["crm"].ends = [trouble()]
        heart.percent["crm"] = 50.0
        outside = [n for n in (1, 2) if heart.flag("crm", n).mode is Mode.HOLD]
        backlog = Backlog(heart)
        await backlog.drain.run()
        ids = {1: first.id, 2: second.id}
        assert backlog.kept == [ids[number] for number in outside]
        assert backlog.keepings == 2

    run(scene())


def test_those_whom_shopify_refused_do_not_end_a_run_that_has_others() -> None:
    async def scene() -> None:
        heart = a_heart()
        refused, other = heart.owed("crm", customer=1), heart.owed("crm", customer=2)
        heart.circuit("crm").cause = ErrorClass.TIMEOUT  # so that one is read at a time
        heart.shopify.refused[1] = trouble(ErrorClass.UNEXPECTED, system="shopify")
        await Backlog(heart).drain.run()
        assert heart.row(refused).outcome is Outcome.FAILED
        assert heart.row(other).outcome is Outcome.DELIVERED

    run(scene())


def test_while_shopify_cannot_be_asked_the_run_ends() -> None:
    async def scene() -> None:
        heart = a_heart()
        for number in PEOPLE:
            heart.owed("crm", customer=number)
        heart.shopify.trouble = trouble(ErrorClass.CONNECTION, system="shopify")
        backlog = Backlog(heart)
        assert await backlog.drain.run() is False
        assert len(heart.shopify.asked) == 1, "not once for every page"

    run(scene())


def test_what_an_attempt_raises_ends_the_run_and_the_reading_ahead() -> None:
    async def scene() -> None:
        heart = a_heart()
        for number in range(1, 61):
            heart.owed("crm", customer=number)
        heart.circuit("crm").window = heart.circuit("crm")._widest = 1
        heart.channels["crm"].ends = [StorageError("full", "hint")]
        backlog = Backlog(heart)
        never = asyncio.Event()
        due = backlog.due

        async def hangs(limit: int, passed: set[int]) -> list[Delivery]:
            if len(backlog.asked) == 1:
                await never.wait()
            return await due(limit, passed)

        backlog.drain._due = hangs
        heart.circuit("crm").window = heart.circuit("crm")._widest = 60
        with pytest.raises(StorageError):
            await backlog.drain.run()
        assert backlog.drain._pump._reading is None

    run(scene())


# -- the worker


def a_worker(heart: Heart, *, auto: bool = True) -> Worker:
    heart.auto_replay = auto
    return Worker(heart.db, heart.delivery, Wakes.of(heart.routes), heart.runtime)


async def seconds(number: float) -> None:
    await asyncio.sleep(number)


async def working(heart: Heart, worker: Worker, number: float = 0.5) -> None:
    worker.start()
    try:
        await seconds(number)
    finally:
        await worker.stop()


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
        (ValueError("yamada"), "worker of crm stumbled"),
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


def kept(heart: Heart) -> list[int]:
    rows = heart.db.connection.execute("SELECT id FROM deliveries WHERE kept_back = 1 ORDER BY id")
    return [row[0] for row in rows]


def test_what_its_flag_keeps_back_is_in_nobodys_way() -> None:
    async def scene() -> None:
        heart = a_heart()
        heart.percent["crm"] = 50.0
        owed = [heart.owed("crm", customer=number) for number in range(1, 61)]
        inside = [each.id for each in owed if heart.flag("crm", each.customer_id).mode is Mode.ON]
        found = await a_worker(heart)._due("crm", 20, set())
        assert found
        assert [each.id for each in found] == inside[: len(found)]
        assert set(kept(heart)) == {e.id for e in owed if e.id <= 20} - set(inside)
        heart.modes["crm"] = Mode.HOLD
        assert await a_worker(heart)._due("crm", 20, set()) == []
        assert len(kept(heart)) == 60

    run(scene())


def test_what_was_kept_back_by_flags_that_changed_meanwhile_is_not_marked() -> None:
    async def scene() -> list[int]:
        heart = Heart()
        worker = a_worker(heart)
        delivery = heart.owed("crm")
        for _ in range(2):
            keep_back = worker._keeping()
            worker.flags_changed()
            await keep_back([delivery])
            assert kept(heart) == []
        await worker._keeping()([delivery])
        return kept(heart)

    assert run(scene()) == [1]


def test_once_its_flag_is_on_what_was_held_goes_and_only_that() -> None:
    async def scene() -> None:
        heart = a_heart(range(1, 251))
        heart.modes["crm"] = Mode.HOLD
        held = [heart.owed("crm", Outcome.HELD, customer=number) for number in range(1, 251)]
        other = heart.owed("smaregi", Outcome.FAILED, customer=1)
        worker = a_worker(heart)
        worker.start()
        await seconds(0.1)
        assert {heart.row(each).outcome for each in held} == {Outcome.HELD}
        heart.modes["crm"] = Mode.ON
        heart.clock.now += 1
        worker.flags_changed()
        await seconds(0.9)
        await worker.stop()
        assert {heart.row(each).outcome for each in held} == {Outcome.DELIVERED}
        assert heart.row(other).outcome is Outcome.FAILED

    run(scene())


def test_what_was_held_before_the_start_is_looked_at_when_the_worker_starts() -> None:
    async def scene() -> Outcome:
        heart = Heart()
        held = heart.owed("crm", Outcome.HELD)
        await working(heart, a_worker(heart))
        return heart.row(held).outcome

    assert run(scene()) is Outcome.DELIVERED


def test_what_is_held_is_released_with_its_time_and_by_percentage_and_link() -> None:
    async def scene() -> None:
        heart = a_heart()
        heart.percent["crm"] = 0.0
        sign_up = heart.owed("crm", Outcome.HELD, customer=1)
        linked = heart.owed("crm", Outcome.HELD, customer=2, kind=Kind.UPDATE)
        heart.link("crm", 2)
        worker = a_worker(heart)
        await worker._release_held("crm")
        assert heart.row(sign_up).outcome is Outcome.HELD
        row = heart.row(linked)
        assert (row.outcome, row.next_attempt_at) == (Outcome.PENDING, heart.clock.now)
        assert worker._wakes.channels["crm"].is_set()
        assert not worker._wakes.channels["smaregi"].is_set()

    run(scene())


def test_of_what_is_held_the_percentage_lets_its_own_customers_go() -> None:
    async def scene() -> None:
        heart = a_heart()
        heart.percent["crm"] = 50.0
        held = [heart.owed("crm", Outcome.HELD, customer=number) for number in PEOPLE]
        await a_worker(heart)._sweeper()
        for each in held:
            inside = heart.flag("crm", each.customer_id).mode is Mode.ON
            assert heart.row(each).outcome is (Outcome.PENDING if inside else Outcome.HELD)

    run(scene())


def test_the_sweep_looks_at_what_was_kept_back_of_every_channel() -> None:
    async def scene() -> None:
        heart = Heart()
        owed = [heart.owed(name) for name in heart.channels]
        outbox.keep_back(heart.db.connection, owed)
        await a_worker(heart)._sweeper()
        assert kept(heart) == []

    run(scene())


def test_nobody_is_woken_where_nothing_was_released() -> None:
    async def scene() -> None:
        heart = Heart()
        heart.modes["crm"] = Mode.HOLD
        heart.owed("crm", Outcome.HELD)
        worker = a_worker(heart)
        writes = heart.db.writes
        await worker._release_held("crm")
        await worker._look_again("crm")
        assert (worker._wakes.channels["crm"].is_set(), heart.db.writes) == (False, writes)

    run(scene())


def test_what_was_kept_back_is_let_go_page_by_page_once_its_flag_is_on() -> None:
    async def scene() -> None:
        heart = a_heart(range(1, 451))
        owed = [heart.owed("crm", customer=number) for number in range(1, 451)]
        for each in owed[:220]:
            heart.change(each, outcome="retrying", next_attempt_at=heart.clock.now + each.id)
        outbox.keep_back(heart.db.connection, owed)
        heart.percent["crm"] = 50.0
        worker = a_worker(heart)
        await worker._look_again("crm")
        outside = [
            each.id for each in owed if heart.flag("crm", each.customer_id).mode is not Mode.ON
        ]
        assert kept(heart) == outside
        woken = [name for name, event in worker._wakes.channels.items() if event.is_set()]
        assert woken == ["crm"]

    run(scene())


def test_a_sweep_that_cannot_read_is_told_and_made_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene() -> None:
        heart = Heart()
        held = heart.owed("crm", Outcome.HELD)
        heart.db.breaks = 1
        await working(heart, a_worker(heart), 2.5)
        assert heart.row(held).outcome is Outcome.DELIVERED

    run(scene())
    text = (
        "worker of held deliveries: the database cannot be used: the disk is full (free some space)"
    )
    assert text in [record.getMessage() for record in caplog.records]


def test_a_clock_that_was_set_wakes_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> Outcome:
        heart = Heart()
        worker = a_worker(heart)
        monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 0.0)
        heart.delivery.clock_jumps._offset = heart.clock.now
        delivery = heart.owed("crm", Outcome.PENDING, not_before=heart.clock.now + 3600)
        worker.start()
        await seconds(1.5)
        heart.clock.now += 1800
        await seconds(0.45)
        assert heart.row(delivery).next_attempt_at == delivery.next_attempt_at
        await seconds(0.5)
        await worker.stop()
        row = heart.row(delivery)
        assert row.next_attempt_at == heart.clock.now + 3600, "it keeps its real delay"
        return row.outcome

    assert run(scene()) is Outcome.PENDING


def test_a_clock_that_cannot_be_followed_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene() -> tuple[int, list[str]]:
        heart = Heart()
        worker = a_worker(heart)
        looks, woken = 0, list[str]()

        async def follow() -> bool:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise StorageError("full", "hint")
            return looks == 3

        monkeypatch.setattr(heart.delivery.clock_jumps, "follow", follow)
        monkeypatch.setattr(worker, "wake", lambda *names: woken.append("all" if not names else ""))
        worker._loops.every(IDLE, worker._follow_clock, "the clock")
        await seconds(4.5)
        await worker.stop()
        return looks, woken

    assert run(scene()) == (4, ["all"])


def test_nothing_of_this_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        heart = Heart()
        heart.owed("crm")
        heart.owed("smaregi", Outcome.HELD)
        await working(heart, a_worker(heart), 3.0)

    run(scene())
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_the_worker_and_its_drain_know_taro() -> None:
    """The one customer of `Heart()` is owed once, whatever wakes the worker how often."""

    async def scene() -> int:
        heart = Heart()
        heart.owed("crm")
        worker = a_worker(heart)
        worker.start()
        for _ in range(20):
            worker.wake()
            await asyncio.sleep(0)
        await seconds(1.2)
        await worker.stop()
        assert {work.customer.id for work in heart.channels["crm"].works} == {TARO}
        return len(heart.channels["crm"].works)

    assert run(scene()) == 1
