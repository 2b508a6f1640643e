"""Who owns the file: a command looks for the next owner as long as its work lasts, and makes way
for a starting `serve`, which waits for as long as it is told that somebody does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from gateway.app import Role
from gateway.cli import run
from gateway.errors import ConfigurationError
from gateway.http import owning, serving
from gateway.http.middleware import respond
from gateway.responses.bodies import Answer, problem
from gateway.store import OwnerLock, socket_path
from gateway.wording import Text

PATIENCE = 0.3


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for room, name in ((run, "_PATIENCE"), (run, "_SUCCESSOR"), (serving, "_SILENCE")):
        monkeypatch.setattr(room, name, PATIENCE)
    monkeypatch.setattr(serving, "_ASK", 0.02)
    monkeypatch.setattr(run, "_AGAIN", 0.02)
    return tmp_path / "gateway.db"


@pytest.fixture
def other(path: Path) -> Iterator[OwnerLock]:
    """The file belongs to somebody else."""
    with OwnerLock(path) as lock:
        assert lock.acquire()
        yield lock


@pytest.fixture
def live(path: Path, other: OwnerLock) -> Any:
    """The settings of a command whose file belongs to somebody else."""
    return settings_of(path)


def settings_of(path: Path) -> Any:
    return SimpleNamespace(
        current=SimpleNamespace(gateway=SimpleNamespace(database_path=path, is_postgres=False))
    )


@asynccontextmanager
async def _owners(live: Any, seconds: float, then: str) -> AsyncIterator[list[str]]:
    """Three make way after so many seconds of work, one after the other; the last one ends it."""
    asked: list[str] = []

    async def work(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(seconds)
        event = then if len(asked) > 3 else "yielded"
        await response.write(b'{"event": "%s"}\n' % event.encode())
        return response

    async with _door(live.current.gateway.database_path, "/control/work", work):
        yield asked


@asynccontextmanager
async def _door(
    path: Path, where: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> AsyncIterator[None]:
    """An owner's, with one route."""
    application = web.Application()
    application.router.add_post(where, handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(socket_path(path))).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def _work(client: run.Client) -> str:
    async for event in client.stream("/control/work", {}):
        return str(event["event"])
    return "nothing"


async def test_a_command_outlives_each_owner_however_long_its_work_has_lasted(live: Any) -> None:
    async with _owners(live, PATIENCE / 2, "end") as asked:
        assert await run.with_owner(live, Role.COMMAND, _work) == "end"
    assert len(asked) == 4


async def test_an_owner_that_never_answers_is_given_up(live: Any) -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(ConfigurationError, match=r"gateway\.db does not answer"):
        await run.with_owner(live, Role.COMMAND, _work)
    assert asyncio.get_running_loop().time() - began >= PATIENCE


async def test_a_command_waits_for_an_owner_that_says_that_it_is_starting(live: Any) -> None:
    """An old file is brought up to date, which may take minutes."""
    until = asyncio.get_running_loop().time() + 2 * PATIENCE

    async def work(request: web.Request) -> web.StreamResponse:
        if asyncio.get_running_loop().time() < until:
            return respond(problem(503, owning.STARTING, Text.english("It is starting.")))
        return web.Response(body=b'{"event": "end"}\n')

    async with _door(live.current.gateway.database_path, "/control/work", work):
        assert await run.with_owner(live, Role.COMMAND, _work) == "end"


async def test_a_starting_owner_answers_at_once_and_hands_over_to_the_open_door(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens, asked = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def slow_core(*_: object, **__: object) -> AsyncIterator[None]:
        await opens.wait()
        yield

    monkeypatch.setattr(owning, "open_core", slow_core)
    monkeypatch.setattr(owning, "control_application", lambda *_: web.Application())

    def make_way() -> bool:
        asked.set()
        return True

    async def own() -> None:
        async with owning.owning(settings_of(path), Role.COMMAND, asyncio.Event(), make_way):
            assert socket_path(path).is_socket()

    task = asyncio.create_task(own())
    async with asyncio.timeout(30):
        while not await serving._makes_way(path):
            await asyncio.sleep(0.01)
    assert asked.is_set()
    assert not task.done()
    opens.set()
    await task
    assert not socket_path(path).exists()


async def test_a_command_that_made_way_leaves_the_file_to_whoever_asked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would win most races for the lock: it needs no look at anything before."""
    owned = 0

    @asynccontextmanager
    async def asked_at_once(*given: Any) -> AsyncIterator[None]:
        nonlocal owned
        owned += 1
        given[3]()
        yield

    monkeypatch.setattr(run, "owning", asked_at_once)
    working = asyncio.create_task(run.with_owner(settings_of(path), Role.COMMAND, _work))
    async with asyncio.timeout(30):
        while not owned:
            await asyncio.sleep(0.01)
    await asyncio.sleep(PATIENCE / 2)
    with OwnerLock(path) as lock:
        assert lock.acquire()

        async def work(request: web.Request) -> web.StreamResponse:
            return web.Response(body=b'{"event": "end"}\n')

        async with _door(path, "/control/work", work):
            assert await working == "end"
    assert owned == 1


# -- a starting `serve`


async def test_serve_waits_for_as_long_as_a_command_says_that_it_makes_way(
    path: Path, other: OwnerLock
) -> None:
    async def ask(request: web.Request) -> web.StreamResponse:
        return respond(Answer(202, b"{}"))

    with OwnerLock(path) as lock:
        owns = asyncio.create_task(serving._own(lock, path, asyncio.Event()))
        async with _door(path, "/control/yield", ask):
            await asyncio.sleep(2 * PATIENCE)
            assert not owns.done()
        other.release()
        assert await owns


async def test_serve_gives_up_an_owner_that_says_nothing(path: Path, other: OwnerLock) -> None:
    with OwnerLock(path) as lock, pytest.raises(ConfigurationError, match="does not answer"):
        await serving._own(lock, path, asyncio.Event())


async def test_serve_says_that_another_one_serves(path: Path, other: OwnerLock) -> None:
    async def ask(request: web.Request) -> web.StreamResponse:
        return respond(problem(409, "owned", Text.english("A gateway serves already.")))

    async with _door(path, "/control/yield", ask):
        with OwnerLock(path) as lock, pytest.raises(ConfigurationError, match="another gateway"):
            await serving._own(lock, path, asyncio.Event())


async def test_serve_that_waits_for_the_file_can_be_ended(path: Path, other: OwnerLock) -> None:
    stop = asyncio.Event()
    with OwnerLock(path) as lock:
        owns = asyncio.create_task(serving._own(lock, path, stop))
        await asyncio.sleep(0.05)
        stop.set()
        assert not await owns


@pytest.mark.parametrize("left", ["a file", "a dead socket"])
async def test_what_a_dead_owner_left_in_the_sockets_place_does_no_harm(
    path: Path, other: OwnerLock, left: str
) -> None:
    if left == "a file":
        socket_path(path).write_bytes(b"half")
    else:
        owning._bound(socket_path(path)).close()
    with OwnerLock(path) as lock:
        owns = asyncio.create_task(serving._own(lock, path, asyncio.Event()))
        await asyncio.sleep(0.1)
        other.release()
        assert await owns
        owning._bound(socket_path(path)).close()


async def test_what_cannot_be_taken_out_of_the_sockets_place_is_named(path: Path) -> None:
    socket_path(path).mkdir()
    with pytest.raises(ConfigurationError, match=r"the socket gateway\.db\.sock beside it cannot"):
        async with owning.owning(settings_of(path), Role.SERVE, asyncio.Event(), lambda: False):
            pass
