"""Trouble with the database's file: 503 where nothing could be promised, and recovery by itself."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from gateway.sandbox import Fault
from tests.e2e.evidence import CHANNELS, assert_problem, everything_arrived_once, told
from tests.e2e.trouble.disk import Disk
from tests.e2e.trouble.ending import all_delivered
from tests.e2e.trouble.test_power_cut import lost_at
from tests.world import Reply, World

BOOKS = ("full", "broken")


async def emptied_journal(world: World) -> None:
    """The next commit needs new room on the disk."""
    await world.core.db.checkpoint()


@pytest.mark.parametrize("trouble", BOOKS)
async def test_a_disk_that_takes_nothing_is_503_and_nothing_is_sent(
    on_disk: World, disk: Disk, trouble: str
) -> None:
    await emptied_journal(on_disk)
    setattr(disk, trouble, True)
    reply = await on_disk.register()
    assert_problem(reply, 503, "storage-unavailable")
    assert int(reply.headers["Retry-After"]) > 0
    assert on_disk.sandbox.shopify.customers == {}
    assert told(on_disk) == []
    setattr(disk, trouble, False)
    again = await on_disk.register()
    assert (again.status, again.body["status"]) == (201, "complete")
    assert everything_arrived_once(on_disk)


async def at_shopify(world: World) -> "asyncio.Task[Reply]":
    """A sign-up that Shopify has been asked for; its answer comes once the faults are cleared."""
    world.sandbox.faults.set("shopify", Fault("hang", match="customerCreate", times=1))
    waiting = asyncio.create_task(world.register())
    await world.until(lambda: world.sandbox.faults.listing()["shopify"][-1]["left"] == 0)
    return waiting


@pytest.mark.parametrize("trouble", BOOKS)
async def test_a_disk_that_fails_during_shopifys_call_promises_nothing_and_loses_nothing(
    on_disk: World, disk: Disk, trouble: str
) -> None:
    """Shopify has the customer then; once there is space the channels get theirs, unasked."""
    waiting = await at_shopify(on_disk)
    setattr(disk, trouble, True)
    on_disk.sandbox.faults.clear()
    assert_problem(await waiting, 503)
    assert len(on_disk.sandbox.shopify.customers) == 1
    setattr(disk, trouble, False)
    await on_disk.until(lambda: everything_arrived_once(on_disk))
    await all_delivered(on_disk)


async def test_after_such_a_503_the_same_person_is_taken_up_again(
    on_disk: World, disk: Disk
) -> None:
    waiting = await at_shopify(on_disk)
    disk.full = True
    on_disk.sandbox.faults.clear()
    assert_problem(await waiting, 503)
    disk.full = False
    async with asyncio.timeout(30):
        while (again := await on_disk.register()).status != 201:
            assert again.status in {409, 503}, again.body
            await asyncio.sleep(0.2)
    await on_disk.until(lambda: everything_arrived_once(on_disk))


@pytest.mark.parametrize("trouble", BOOKS)
async def test_a_disk_that_fails_during_the_channels_calls_takes_no_promise_back(
    on_disk: World, disk: Disk, trouble: str
) -> None:
    """The deliveries are durable, so it is 201; their outcomes follow once there is space."""
    for seconds, channel in enumerate(CHANNELS, 2):
        on_disk.sandbox.delays.total(channel, seconds / 10)
    waiting = asyncio.create_task(on_disk.register())
    await on_disk.until(lambda: len(on_disk.sandbox.shopify.customers) == 1)
    await asyncio.sleep(0.1)
    setattr(disk, trouble, True)
    reply = await waiting
    assert reply.status == 201, reply.body
    assert reply.body["status"] in {"partial", "complete"}
    setattr(disk, trouble, False)
    await all_delivered(on_disk)
    assert everything_arrived_once(on_disk)


async def test_a_201_is_durable_however_the_disk_behaves(
    on_disk: World, disk: Disk, tmp_path: Path
) -> None:
    answered: dict[str, int] = {}
    refused: list[int] = []

    async def one(number: int) -> None:
        reply = await on_disk.register(number=number)
        if reply.status == 201:
            answered[reply.body["id"]] = disk.now
        else:
            assert reply.status == 503, reply.body
            refused.append(number)

    for wave in range(8):
        disk.broken = wave == 3  # at least these cannot be promised anything
        tasks = [asyncio.create_task(one(wave * 5 + n + 1)) for n in range(5)]
        await asyncio.sleep(0.01 * (wave % 4))
        setattr(disk, BOOKS[wave % 2], wave % 2 == 1 or wave % 4 == 2)
        await asyncio.gather(*tasks)
        disk.full = disk.broken = False
    assert answered
    assert refused
    for number, moment in enumerate(answered.values()):
        assert lost_at(disk, moment, answered, tmp_path / f"cut{number}", number) == []
    await all_delivered(on_disk)


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Another program holds the file: `sqlite3` in somebody's shell."""
    script = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('BEGIN EXCLUSIVE'); print('held', flush=True); sys.stdin.read(); db.close()"
    )
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(path), stdin=pipe, stdout=pipe
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"held\n"
    try:
        yield
    finally:
        await child.communicate(b"")


async def test_a_file_locked_by_another_program_is_503_until_it_is_closed(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.core.db.read(lambda c: c.execute("PRAGMA busy_timeout = 100").fetchall())
    async with locked(world.file):
        assert_problem(await world.register(), 503, "storage-unavailable")
        assert (await world.get("/healthz")).status == 200
        assert (await world.get("/readyz")).status == 503
    assert "another program has gateway.db open: close it" in caplog.text
    assert (await world.register()).body["status"] == "complete"
    assert (await world.get("/readyz")).status == 200


async def test_a_file_deleted_while_the_gateway_runs_is_503_until_a_restart(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await world.register(number=1)).status == 201
    for path in world.folder.glob("gateway.db*"):
        path.unlink()
    assert_problem(await world.register(number=2), 503, "storage-unavailable")
    assert "deleted or replaced" in caplog.text
    assert "restart the gateway" in caplog.text
    assert len(world.sandbox.shopify.customers) == 1
    await world.restart()
    assert (await world.register(number=2)).body["status"] == "complete"


async def test_a_file_replaced_while_the_gateway_runs_is_503_until_a_restart(world: World) -> None:
    """A backup restored under a running gateway: the restart goes on with it."""
    path = world.file
    await emptied_journal(world)
    backup = path.read_bytes()
    assert (await world.register(number=1)).status == 201
    path.unlink()
    path.write_bytes(backup)
    assert_problem(await world.register(number=2), 503, "storage-unavailable")
    assert path.read_bytes() == backup
    await world.restart()
    assert (await world.register(number=2)).body["status"] == "complete"
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_damage_while_the_gateway_runs_is_503_and_passes_with_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    path = world.file
    for number in (1, 2):
        await world.register(number=number)
    await emptied_journal(world)
    sound = path.read_bytes()

    async def put(content: bytes) -> None:
        with path.open("r+b") as file:
            file.write(content)
        await world.core.db.read(lambda c: c.execute("PRAGMA shrink_memory").fetchall())

    await put(b"\xff" * len(sound))
    reply = await world.register(number=3)
    assert_problem(reply, 503, "storage-unavailable")
    assert "restore a backup" in caplog.text
    assert len(world.sandbox.shopify.customers) == 2
    await put(sound)
    assert (await world.register(number=3)).body["status"] == "complete"
