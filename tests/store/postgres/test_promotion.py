"""A server dies, and another one is promoted in its place. The servers are real ones."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from gateway.errors import StorageError
from gateway.store import members, rewinding
from gateway.store.postgres import Gateway, Lease, Postgres
from gateway.store.postgres.errors import WentBackError
from tests.store.postgres.cluster import MISSING, Cluster, programs
from tests.store.postgres.steps import found_at_a_start, note, noted

pytestmark = pytest.mark.long

_PATIENCE = 40.0


@contextmanager
def two_servers() -> Iterator[tuple[Cluster, Cluster]]:
    """The one that is written to, and one that follows it."""
    if programs() is None:
        pytest.skip(MISSING)
    primary = Cluster.made()
    primary.start()
    replica = primary.replica()
    try:
        yield primary, replica
    finally:
        for cluster in (primary, replica):
            with suppress(AssertionError):
                cluster.stop()
            cluster.remove()


def both(primary: Cluster, replica: Cluster) -> str:
    """An address with both: the one that takes writes is used."""
    hosts = ",".join(quote(str(each.folder), safe="") for each in (primary, replica))
    ports = f"{primary.port},{replica.port}"
    return f"postgresql://postgres@/postgres?host={hosts}&port={ports}"


def until_followed(primary: Cluster, how: str) -> None:
    """Until the primary says that the replica follows it `how`."""
    until = time.monotonic() + _PATIENCE
    with psycopg.connect(primary.url(), autocommit=True) as connection:
        while time.monotonic() < until:
            rows = connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall()
            if rows == [(how,)]:
                return
            time.sleep(0.05)
    raise AssertionError(rows)


async def until_written(engine: Postgres, key: str) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with suppress(StorageError):
            return await engine.write(note(key))
        await asyncio.sleep(0.1)
    raise AssertionError(key)


def once(number: int) -> Any:
    """A unit that fails where it is done twice."""

    def unit(db: Any) -> None:
        assert members.get_meta(db, f"unit {number}") is None, "done twice"
        members.set_meta(db, f"unit {number}", "x")

    return unit


async def written(engine: Postgres, first: int, failed: list[int]) -> None:
    """Units, one after the other, whatever becomes of the server; those that were not promised."""
    for number in range(first, 400, 4):
        try:
            await engine.write(once(number), (first,))
        except StorageError:
            failed.append(number)
            await asyncio.sleep(0.1)


async def test_of_a_synchronous_replica_nothing_is_lost_and_the_gateway_goes_on() -> None:
    with two_servers() as (primary, replica):
        primary.set("synchronous_standby_names", "*")
        until_followed(primary, "sync")
        engine, failed = Postgres(both(primary, replica)), list[int]()
        await engine.open()
        await engine.note_origin()
        writing = [asyncio.create_task(written(engine, first, failed)) for first in range(4)]
        while not await engine.read(noted("unit 40")):
            await asyncio.sleep(0.01)
        await asyncio.to_thread(primary.stop)
        await asyncio.to_thread(replica.promote)
        await asyncio.gather(*writing)
        await until_written(engine, "goes on")
        held = await engine.read(_units)
        assert {*range(400)} - held <= {*failed}
        assert len(held) > 200
        assert await found_at_a_start(both(primary, replica)) is None, "nothing can be lost"
        await engine.close()


def _units(db: Any) -> set[int]:
    found = db.execute("SELECT substr(key, 6) FROM meta WHERE key LIKE 'unit %'").fetchall()
    return {int(row[0]) for row in found}


async def test_of_a_replica_that_was_behind_the_gateway_notices_what_is_lost() -> None:
    with two_servers() as (primary, replica):
        until_followed(primary, "async")
        url = both(primary, replica)
        me = Gateway("ab", "here", "http://127.0.0.1:1", "1.0")
        async with Lease(url, me, ["aa"]) as lease:
            engine = Postgres(url, lease=lease)
            await engine.open()
            await engine.note_origin()
            await engine.write(note("known"))
            await asyncio.to_thread(_until_replayed, replica)
            await asyncio.to_thread(replica.stop)
            await engine.write(note("lost"))
            await asyncio.to_thread(primary.stop)
            await asyncio.to_thread(replica.start)
            await asyncio.to_thread(replica.promote)
            async with asyncio.timeout(_PATIENCE):
                while lease.failure is None:
                    with suppress(StorageError):
                        await engine.read(noted("known"))
                    await asyncio.sleep(0.1)
            assert isinstance(lease.failure, WentBackError)
            assert not lease.trusted()
            with pytest.raises(WentBackError):
                await engine.write(note("more"))
            await engine.close()
        assert await found_at_a_start(url) == rewinding.LOST


def _until_replayed(replica: Cluster) -> None:
    until = time.monotonic() + _PATIENCE
    with psycopg.connect(replica.url(), autocommit=True) as connection:
        while time.monotonic() < until:
            if connection.execute("SELECT 1 FROM meta WHERE key = 'known'").fetchone():
                return
            time.sleep(0.05)
    raise AssertionError


async def test_a_promotion_that_nobody_lived_through_is_found_at_the_next_start() -> None:
    with two_servers() as (primary, replica):
        until_followed(primary, "async")
        url = both(primary, replica)
        engine = Postgres(url)
        await engine.open()
        await engine.note_origin()
        await engine.write(note("known"))
        await asyncio.to_thread(_until_replayed, replica)
        await engine.close()
        assert await found_at_a_start(url) is None
        await asyncio.to_thread(primary.stop)
        await asyncio.to_thread(replica.promote)
        assert await found_at_a_start(url) == rewinding.PROMOTED


async def test_a_promotion_that_was_lived_through_is_no_news_at_the_next_start() -> None:
    with two_servers() as (primary, replica):
        until_followed(primary, "async")
        url = both(primary, replica)
        engine = Postgres(url)
        await engine.open()
        await engine.note_origin()
        await engine.write(note("known"))
        await asyncio.to_thread(_until_replayed, replica)
        await asyncio.to_thread(primary.stop)
        await asyncio.to_thread(replica.promote)
        await until_written(engine, "goes on")
        await engine.note_origin()
        await engine.close()
        assert await found_at_a_start(url) is None


async def test_a_dump_that_was_restored_is_found_at_the_next_start(
    cluster: Cluster, tmp_path: Path
) -> None:
    """By the commands of gateway/docs/operating.md."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url, file = cluster.url(name), Path(f"/tmp/{name}.dump")
    engine = Postgres(url)
    await engine.open()
    await engine.note_origin()
    await engine.write(note("known"))
    await engine.write(a_sealed_sign_up)
    dump = ("-Fc", "--exclude-table-data=*.intents", "-f", file, "-d", url)
    await asyncio.to_thread(cluster.run, "pg_dump", *dump)
    try:
        await engine.write(note("since"))
        await engine.close()
        back = ("--clean", "--if-exists", "-1", "-d", url, file)
        await asyncio.to_thread(cluster.run, "pg_restore", *back)
    finally:
        file.unlink()
    assert await found_at_a_start(url) == rewinding.RESTORED
    again = Postgres(url)
    await again.open()
    assert await again.read(noted("since")) is None
    assert await again.read(_sealed) == 0
    await again.rewind(["email"], 5.0)
    await again.close()
    assert await found_at_a_start(url) is None


def a_sealed_sign_up(db: Any) -> None:
    db.execute("INSERT INTO intents VALUES ('r1', ?, 1.0)", (b"sealed",))


def _sealed(db: Any) -> int:
    number: int = db.execute("SELECT count(*) FROM intents").fetchone()[0]
    return number
