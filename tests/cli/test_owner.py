"""A command and the owner of the file: it looks for the next one as long as its work lasts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from gateway.app import Role
from gateway.cli import run
from gateway.errors import ConfigurationError
from gateway.store import OwnerLock, socket_path

PATIENCE = 0.3


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The settings of a command whose file belongs to somebody else."""
    monkeypatch.setattr(run, "_PATIENCE", PATIENCE)
    path = tmp_path / "gateway.db"
    lock = OwnerLock(path)
    assert lock.acquire()
    with lock:
        yield SimpleNamespace(current=SimpleNamespace(gateway=SimpleNamespace(database_path=path)))


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

    application = web.Application()
    application.router.add_post("/control/work", work)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(socket_path(live.current.gateway.database_path))).start()
    try:
        yield asked
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
