"""A network and a database that come and go."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import StorageError
from gateway.store import Database
from gateway.store.postgres import Postgres
from tests.store.postgres.cluster import MISSING, Cluster, programs
from tests.store.postgres.proxy import Proxy
from tests.store.postgres.steps import note, noted
from tests.store.postgres.test_alike import STORIES, columns, contents


@pytest.fixture
async def proxy(cluster: Cluster) -> AsyncIterator[Proxy]:
    path = cluster.folder / f".s.PGSQL.{cluster.port}"
    async with Proxy(str(path)).running() as proxy:
        yield proxy


@pytest.fixture
async def beyond(url: str, proxy: Proxy) -> AsyncIterator[Postgres]:
    """An engine behind the proxy, with one lane, so that its commits come in order."""
    options = url.partition("?")[2]
    engine = Postgres(f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres?{options}", lanes=1)
    await engine.open()
    try:
        yield engine
    finally:
        proxy.silent, proxy.loses = False, 0
        await engine.close()


@pytest.mark.parametrize(
    ("story", "steps", "undone"),
    [
        ("sign-ups", 12, True),
        *(
            pytest.param(story, 999, story == "sign-ups", marks=pytest.mark.long)
            for story in STORIES
        ),
    ],
)
async def test_each_unit_is_done_once_whichever_answers_are_lost(
    db: Database, beyond: Postgres, proxy: Proxy, story: str, steps: int, undone: bool
) -> None:
    """Ids that were given to what was undone are given to nobody else: only sign-ups, which have
    none, end alike then.
    """
    proxy.loses, proxy.undone = 2, undone
    for number, step in enumerate(STORIES[story][:steps]):
        name = f"step {number}: {step.function.__module__}.{step.function.__name__}"
        assert await step.done_by(beyond) == await step.done_by(db), name
    assert proxy.lost > 4
    proxy.loses = 0
    look = contents(await db.read(columns))
    assert await beyond.read(look) == await db.read(look)


async def test_a_silent_proxy_is_given_up_and_the_unit_done_once_it_speaks(
    beyond: Postgres, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    await beyond.write(note("before"))
    monkeypatch.setattr("gateway.store.postgres.engine.SILENCE", 0.2)
    proxy.silent = True
    writing = asyncio.create_task(beyond.write(note("meanwhile")))
    await asyncio.sleep(0)
    while not any(lane.shut_if_silent(0.2) for lane in beyond._lanes):
        await asyncio.sleep(0.02)
    proxy.silent = False
    await writing
    assert await beyond.read(noted("meanwhile")) == "x"


@pytest.mark.long
async def test_a_database_that_was_away_is_found_again() -> None:
    if programs() is None:
        pytest.skip(MISSING)
    cluster = Cluster.made()
    cluster.start()
    engine = Postgres(cluster.url())
    try:
        await engine.open()
        await engine.write(note("before"))
        await asyncio.to_thread(cluster.stop)
        with pytest.raises(StorageError) as raised:
            await engine.write(note("away"))
        assert raised.value.hint
        await asyncio.to_thread(cluster.start)
        await engine.write(note("after"))
        found = [await engine.read(noted(key)) for key in ("before", "away", "after")]
        assert found == ["x", None, "x"]
        await engine.close()
    finally:
        cluster.stop()
        cluster.remove()
    assert not Path(cluster.folder).exists()
