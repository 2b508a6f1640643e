import asyncio
import threading

from tests.benchmarks.instrument.clock import BASE, Clock, wrapped


def work(rounds: int) -> int:
    return sum(n * n for n in range(rounds))


async def test_the_parts_of_a_thread_add_up_to_what_it_took() -> None:
    clock = Clock()
    inner = wrapped(clock, "inner", work)

    async def coroutine() -> None:
        work(2000)
        await asyncio.sleep(0)
        inner(2000)

    outer = wrapped(clock, "outer", coroutine)
    clock.reset()
    began = clock._since
    await asyncio.gather(outer(), asyncio.create_task(outer()))
    clock.switch(BASE)
    assert clock.entered == {"outer": 2, "inner": 2}
    assert set(clock.spent) == {BASE, "outer", "inner"}
    assert sum(clock.spent.values()) == clock._since - began
    assert clock.current == BASE


async def test_a_part_does_not_count_while_its_coroutine_waits() -> None:
    clock, go = Clock(), asyncio.Event()
    waiting = asyncio.create_task(wrapped(clock, "waits", go.wait)())
    await asyncio.sleep(0)
    clock.switch(BASE)
    before = clock.spent["waits"]
    work(20_000)
    clock.switch(BASE)
    assert clock.spent["waits"] == before
    go.set()
    assert await waiting is True


def test_another_threads_work_is_no_part_of_this_one() -> None:
    clock = Clock()
    thread = threading.Thread(target=wrapped(clock, "elsewhere", work), args=(2000,))
    thread.start()
    thread.join()
    assert clock.entered == {}


async def test_an_error_leaves_the_part_and_goes_on_to_the_caller() -> None:
    clock = Clock()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError

    outcome = (await asyncio.gather(wrapped(clock, "fails", fails)(), return_exceptions=True))[0]
    assert isinstance(outcome, ValueError)
    assert clock.current == BASE
