"""What flags keep back, how it is let go, and a clock that was set."""

import asyncio
import logging

import pytest

from flags import Mode
from gateway.delivery.worker import IDLE
from gateway.errors import StorageError
from gateway.outcomes import Kind, Outcome
from gateway.store import outbox
from tests.delivery.backlog import PEOPLE, a_heart, a_worker, seconds, working
from tests.delivery.heart import TARO, Heart
from tests.virtual_time import run


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
