"""A pump keeps its window full and reads ahead."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.background import Background
from gateway.delivery.pump import Pump
from gateway.errors import StorageError
from tests import virtual_time


class Source:
    """`pages` of numbers; each takes a second to be worked, a page as long to be read."""

    def __init__(self, pages: Sequence[Sequence[int]], room: int = 2) -> None:
        self.pages = list(pages)
        self.wide = room
        self.under_way = self.most = 0
        self.read_at: list[float] = []
        self.done: list[int] = []
        self.asked: list[tuple[list[int], list[int]]] = []
        self.names: set[str] = set()

    def room(self) -> int:
        return self.wide

    async def read(self, waiting: Sequence[int], running: Sequence[int]) -> Sequence[int] | None:
        self.names.add(_own_name())
        self.read_at.append(asyncio.get_running_loop().time())
        self.asked.append((list(waiting), list(running)))
        await asyncio.sleep(1)
        return self.pages.pop(0) if self.pages else None

    async def work(self, item: int) -> int:
        self.names.add(_own_name())
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(1)
        self.under_way -= 1
        if item < 0:
            raise StorageError("no disk", hint="none")
        return item * 10

    def ended(self, item: int, result: int) -> None:
        assert result == item * 10
        self.done.append(item)


def _own_name() -> str:
    task = asyncio.current_task()
    assert task is not None
    return task.get_name()


def pumped(source: Source, *, ahead: bool = True) -> bool:
    begun = []

    async def run() -> None:
        begun.append(await Pump(source, Background(), "numbers", ahead=ahead).run())

    virtual_time.run(run())
    return begun[0]


def test_all_is_worked_and_never_more_at_once_than_there_is_room() -> None:
    source = Source([[1, 2, 3], [4, 5]])
    assert pumped(source)
    assert sorted(source.done) == [1, 2, 3, 4, 5]
    assert source.most == 2


def test_the_next_page_is_read_while_the_last_is_worked() -> None:
    source = Source([[1, 2], [3, 4]])
    pumped(source)
    assert source.read_at == [0, 1, 2]
    assert source.asked[1] == ([], [1, 2])


def test_without_reading_ahead_a_page_is_asked_for_when_there_is_room() -> None:
    source = Source([[1, 2], [3, 4]])
    pumped(source, ahead=False)
    assert all(len(running) < 2 for _, running in source.asked)
    assert sorted(source.done) == [1, 2, 3, 4]


def test_what_it_does_bears_its_name() -> None:
    source = Source([[1]])
    pumped(source)
    assert source.names == {"numbers", "numbers: reading"}


def test_nothing_to_do_is_nothing_begun() -> None:
    assert not pumped(Source([]))


def test_without_room_nothing_is_read() -> None:
    source = Source([[1]], room=0)
    assert not pumped(source)
    assert source.read_at == []


def test_what_the_database_fails_is_raised() -> None:
    with pytest.raises(StorageError):
        pumped(Source([[1, -1]]))


def test_what_is_dropped_is_not_begun() -> None:
    async def run() -> None:
        source = Source([])
        pump = Pump(source, Background(), "numbers")
        pump.ready.extend([1, 2])
        pump.drop()
        pump.read_ahead()
        await asyncio.sleep(0)
        assert (source.read_at, pump.is_drained) == ([], True)
        assert not await pump.run()
        assert pump.is_drained

    virtual_time.run(run())


def test_a_pump_is_drained_once_there_is_nothing_ready_nothing_read_and_nothing_more() -> None:
    async def run() -> None:
        pump = Pump(Source([[1]]), Background(), "numbers")
        drained = [pump.is_drained]
        for _ in range(4):  # page, item and page, nothing more
            pump.start()
            pump.read_ahead()
            drained.append(pump.is_drained)
            await pump.something_ends()
            pump.collect()
        assert drained == [False, False, False, True, True]
        pump.ready.append(2)
        assert not pump.is_drained

    virtual_time.run(run())


def test_who_waits_for_something_to_end_waits_no_longer_than_they_said() -> None:
    async def run() -> None:
        source = Source([])
        pump = Pump(source, Background(), "numbers")
        pump.ready.append(1)
        pump.start()
        assert await pump.something_ends(seconds=0.25)
        assert asyncio.get_running_loop().time() == pytest.approx(0.25)
        assert list(pump.running.values()) == [1]

    virtual_time.run(run())


def test_a_pump_that_is_given_up_leaves_no_reading_behind_and_its_work_goes_on() -> None:
    async def run() -> None:
        source, background = Source([[3]]), Background()
        pump = Pump(source, background, "numbers")
        pump.ready.append(1)
        pump.start()
        pump.read_ahead()
        reading = pump._reading
        await asyncio.sleep(0.5)
        await pump.close()
        assert reading is not None
        assert reading.cancelled()
        assert (source.under_way, source.pages) == (1, [[3]])
        await background.finish(5.0)
        assert source.under_way == 0

    virtual_time.run(run())


def test_a_pump_may_run_again() -> None:
    source = Source([[1]])

    async def run() -> None:
        pump = Pump(source, Background(), "numbers")
        assert await pump.run()
        source.pages.append([2])
        assert await pump.run()

    virtual_time.run(run())
    assert source.done == [1, 2]
