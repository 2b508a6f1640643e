"""Work that goes on by itself: rounds, wake-ups, failures, and its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from gateway.background import WOKEN, Background, until_stored
from gateway.errors import ErrorClass, StorageError, UpstreamError
from tests import virtual_time


def now() -> float:
    return asyncio.get_running_loop().time()


def rounds(
    pauses: list[float | None],
    *,
    wake_at: tuple[float, ...] = (),
    first: float | None = 0.0,
    until: float = 100.0,
) -> list[float]:
    """When the rounds were made that return these pauses, one after the other."""
    made: list[float] = []

    async def run() -> None:
        background, wake, left = Background(), asyncio.Event(), iter(pauses)

        async def one() -> float | None:
            made.append(now())
            return next(left, WOKEN)

        background.go_round(one, "counting", wake, first)
        for at in wake_at:
            asyncio.get_running_loop().call_at(at, wake.set)
        await asyncio.sleep(until)
        await background.stop()

    virtual_time.run(run())
    return [round(at, 6) for at in made]


def test_a_round_says_when_the_next_one_is() -> None:
    assert rounds([5.0, 0.0, 3.0]) == [0, 5, 5, 8]


def test_a_wake_up_comes_before_the_pause_is_over() -> None:
    assert rounds([5.0, 5.0], wake_at=(2.0,)) == [0, 2, 7]


def test_who_waits_to_be_woken_waits_as_long_as_that_takes() -> None:
    assert rounds([WOKEN, WOKEN], wake_at=(70.0,)) == [0, 70]


def test_the_first_round_may_be_later_or_wait_for_a_wake_up() -> None:
    assert rounds([WOKEN], first=30.0) == [30]
    assert rounds([WOKEN], first=WOKEN) == []
    assert rounds([WOKEN], first=WOKEN, wake_at=(4.0,)) == [4]


def test_a_wake_up_during_a_round_makes_another_one() -> None:
    made: list[float] = []

    async def run() -> None:
        background, wake = Background(), asyncio.Event()

        async def one() -> float | None:
            made.append(now())
            await asyncio.sleep(1.0)
            return WOKEN

        background.go_round(one, "slow", wake)
        asyncio.get_running_loop().call_at(0.5, wake.set)
        await asyncio.sleep(50)
        await background.stop()

    virtual_time.run(run())
    assert made == [0, 1]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StorageError("disk is full", hint="make room"), "disk is full (make room)"),
        (UpstreamError("crm", "read", ErrorClass.TIMEOUT, "no answer"), "goes on later: crm"),
        (RuntimeError("a bug"), "failed unexpectedly"),
    ],
)
def test_a_round_that_fails_is_logged_by_name_and_made_again(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[float] = []

    async def run() -> None:
        background = Background()

        async def one() -> float | None:
            made.append(now())
            if len(made) == 1:
                raise error
            return WOKEN

        background.go_round(one, "the search")
        await asyncio.sleep(20)
        await background.stop()

    virtual_time.run(run())
    assert made == [0, 1]
    (record,) = caplog.records
    assert record.getMessage().startswith("the search")
    assert said in record.getMessage()


def test_every_waits_first_and_survives_a_failure() -> None:
    made: list[float] = []

    async def run() -> None:
        background = Background()

        async def work() -> None:
            made.append(now())
            if len(made) == 2:
                raise StorageError("no disk", hint="none")

        background.every(10.0, work, "looking")
        await asyncio.sleep(32.5)
        await background.stop()

    virtual_time.run(run())
    assert made == [10, 20, 21, 31]


def at_the_end(finish: Callable[[Background], Awaitable[None]], work: float) -> list[str]:
    """What became of kept work that takes so long, and of work that never ends."""
    seen: list[str] = []

    async def run() -> None:
        background = Background()

        async def lasting(name: str, seconds: float) -> None:
            try:
                await asyncio.sleep(seconds)
                seen.append(f"{name} ended")
            except asyncio.CancelledError:
                seen.append(f"{name} cancelled")
                raise

        background.keep(lasting("kept", work), "kept")
        background.run(lasting("endless", 1e6), "endless")
        await asyncio.sleep(0)
        await finish(background)
        seen.append("busy" if background.is_busy else f"stopped at {now():g}")

    virtual_time.run(run())
    return seen


def test_the_end_waits_for_kept_work_and_cancels_the_endless() -> None:
    finish = lambda background: background.finish(7.0)  # noqa: E731
    assert at_the_end(finish, 5.0) == ["kept ended", "endless cancelled", "stopped at 5"]
    assert set(at_the_end(finish, 9.0)) == {
        "kept cancelled",
        "endless cancelled",
        "stopped at 7",
    }


def test_stopping_leaves_what_was_begun_for_somebody() -> None:
    assert at_the_end(lambda background: background.stop(), 5.0)[:2] == [
        "endless cancelled",
        "busy",
    ]


def test_kept_work_that_fails_is_logged_by_name_and_never_by_what_a_bug_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails() -> None:
        raise ValueError("taro@example.com")

    async def run() -> None:
        background = Background()
        background.keep(fails(), "registration 1")
        await background.finish(1.0)

    with caplog.at_level(logging.ERROR):
        virtual_time.run(run())
    assert caplog.messages == ["registration 1 failed: ValueError"]


def test_what_must_be_stored_is_tried_until_it_is() -> None:
    tried: list[float] = []

    async def work() -> str:
        tried.append(now())
        if len(tried) < 4:
            raise StorageError("no disk", hint="none")
        return "kept"

    async def run() -> None:
        assert await until_stored(work) == "kept"

    virtual_time.run(run())
    assert tried == [0, 1, 2, 3]
