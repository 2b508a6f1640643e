"""The parts of a trial with several gateways do what they are for; no gateway runs here."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.crash.fleet.balancer import Balancer
from tests.crash.fleet.watch import Watch
from tests.crash.fleet.way import Way
from tests.store.postgres.cluster import free_port


class Stand:
    """A gateway as a balancer sees it."""

    def __init__(self, *, ready: bool) -> None:
        self.ready = ready
        self.port = free_port()
        self.asked = 0

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.path != "/readyz":
            self.asked += 1
        return web.Response(status=200 if self.ready else 503, text=str(self.port))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Stand"]:
        runner = web.ServerRunner(web.Server(self._answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield self
        finally:
            await runner.cleanup()


async def until(happens: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await happens():
            await asyncio.sleep(0.01)


async def test_a_balancer_hands_on_to_whoever_is_ready_and_a_connection_follows() -> None:
    one, other = Stand(ready=True), Stand(ready=False)
    balancer = Balancer(free_port(), [other.port, one.port])
    async with (
        one.running(), other.running(), balancer.running(), aiohttp.ClientSession() as session
    ):  # fmt: skip

        async def answers(stand: Stand) -> bool:
            try:
                async with session.get(balancer.url) as response:
                    return await response.text() == str(stand.port)
            except aiohttp.ClientError:  # a connection that was kept, and has ended
                return False

        await until(lambda: answers(one))
        assert balancer.ready == [one.port]
        one.ready, other.ready = False, True
        await until(lambda: answers(other))
        asked = one.asked
        assert await answers(other)
        assert one.asked == asked


async def test_without_one_that_is_ready_whoever_answers_is_asked() -> None:
    there = Stand(ready=False)
    balancer = Balancer(free_port(), [free_port(), there.port])
    async with there.running(), balancer.running(), aiohttp.ClientSession() as session:
        async with session.get(balancer.url) as response:
            assert (response.status, await response.text()) == (503, str(there.port))
        assert not balancer.all_answer


@pytest.mark.long  # a process
async def test_a_way_passes_on_falls_silent_and_ends_with_the_trial(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_unix_server(echo, tmp_path / "socket")
    async with asyncio.timeout(60), Way.to(str(tmp_path / "socket")) as way:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
        writer.write(b"one")
        assert await reader.read(100) == b"one"
        await way.be(silent=True)
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(100), 0.1)
        await way.be(silent=False)
        assert await reader.read(100) == b"two"
        writer.close()
    assert way.lost == 0
    server.close()


def test_the_longest_time_without_an_answer_is_told() -> None:
    watch = Watch("")
    watch._answered = [0.0, 1.0, 1.5, 9.0, 9.5, 12.0]
    assert [watch.worst(since) for since in (0.0, 5.0, 9.2)] == [7.5, 4.0, 2.5]
    watch._answered = [0.0]
    assert 0 < watch.worst(time.monotonic() - 5.0) < 100
