"""A real PostgreSQL, with an empty schema for each test; skipped where there is none."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.store.postgres import Postgres
from tests.store.postgres.cluster import MISSING, Cluster, programs, shared
from tests.store.postgres.standing import Standing


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Cluster]:
    if programs() is None:
        pytest.skip(MISSING)
    base: Path = tmp_path_factory.getbasetemp()
    run = base if worker_id == "master" else base.parent
    with shared(run / "postgres.json") as found:
        yield found


@pytest.fixture
def url(cluster: Cluster) -> str:
    """Of an empty schema: a database of its own would cost ten times as much."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{cluster.url()}?options=-csearch_path%3D{name}"


@pytest.fixture
async def postgres(url: str) -> AsyncIterator[Postgres]:
    engine = Postgres(url)
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


@pytest.fixture
async def standing(url: str) -> AsyncIterator[Standing]:
    async with Standing.on(url) as found:
        yield found
