"""A run over what is due: its window, its batches, and what ends it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from flags import Mode
from gateway.channels import Done, Work
from gateway.delivery.drain import BATCH, Drain
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Delivery, Outcome
from gateway.store import outbox
from tests.delivery.backlog import PEOPLE, a_heart
from tests.delivery.heart import Heart, trouble
from tests.virtual_time import run


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
