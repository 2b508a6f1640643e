"""What is kept for strangers and callers has an end: waiting registrations, keys, the metrics."""

import asyncio
import shutil
import sqlite3
from types import SimpleNamespace

import pytest

from gateway.sandbox import Fault
from gateway.store import admission, disk, erasure, tally
from tests.world import World

LATER = {"Prefer": "respond-async"}


async def test_no_more_registrations_wait_than_the_limit_says(world: World) -> None:
    await world.core.deferred.stop()
    world.set(GATEWAY_WAITING_LIMIT="2")
    accepted = [await world.register(number=n, headers=LATER) for n in (1, 2)]
    assert [reply.status for reply in accepted] == [202, 202]
    keyed = LATER | {"Idempotency-Key": "three"}
    full = await world.register(number=3, headers=keyed)
    assert (full.status, full.body["type"]) == (503, "too-many-waiting")
    assert int(full.headers["Retry-After"]) > 0
    # What was promised stands, and may be mended; the refused one's key is free.
    assert (await world.register(number=1, headers=LATER)).status == 202
    assert (await world.register(number=2, first_name="次郎", headers=LATER)).status == 202
    world.set(GATEWAY_WAITING_LIMIT="3")
    assert (await world.register(number=3, headers=keyed)).status == 202
    assert await world.core.db.read(tally.waiting) == 3


async def test_a_full_limit_keeps_nobody_who_waits_for_the_answer(world: World) -> None:
    world.set(GATEWAY_WAITING_LIMIT="0")
    assert (await world.register(number=1, headers=LATER)).status == 503
    assert (await world.register(number=1)).status == 201


async def test_what_can_wait_leaves_some_of_the_disk_free(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [disk.LEAST_FREE - 1]
    monkeypatch.setattr(disk, "_FRESH", 0.0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))
    assert (await world.register(number=1, headers=LATER)).body["type"] == "too-many-waiting"
    assert (await world.register(number=1)).status == 201
    free[0] += 1
    assert (await world.register(number=2, headers=LATER)).status == 202


async def test_each_caller_has_so_many_keys_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = admission.Bounds(keys=2)
    monkeypatch.setattr("gateway.registration.registrar.Bounds", lambda _: bounds)
    one, two = "the-key-of-storefront-1", "the-key-of-storefront-2"
    world.set(GATEWAY_API_KEYS=f"{one},{two}")

    async def status(number: int, key: str) -> int:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"sign-up {number}"}
        return (await world.register(number=number, headers=headers)).status

    assert [await status(n, one) for n in (1, 2, 3)] == [201, 201, 429]
    assert await status(1, one) == 201  # what is remembered is answered
    assert await status(4, two) == 201
    without = {"Authorization": f"Bearer {one}"}
    assert (await world.register(number=3, headers=without)).status == 201


async def test_the_metrics_are_made_once_in_some_seconds(world: World) -> None:
    world.core.exposition.seconds = 60.0
    first = (await world.get("/metrics")).raw
    assert (await world.register()).status == 201
    assert (await world.get("/metrics")).raw == first


async def test_the_metrics_count_nothing(world: World) -> None:
    """300 000 open deliveries and waiting registrations are as quick as none."""

    def fill(db: object) -> None:
        for table, columns, values in (
            ("deliveries", "customer_id, channel, kind, outcome", "n, 'crm', 'update', 'retrying'"),
            (
                "registrations",
                "id, state, email_hash, body_hash",
                "printf('%032d', n), 'waiting', zeroblob(32), zeroblob(32)",
            ),
        ):
            stamps, times = ", created_at, updated_at", ", 1, 1"
            db.execute(  # type: ignore[attr-defined]
                f"""WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up LIMIT 30000)
                    INSERT INTO {table} ({columns}{stamps}) SELECT {values}{times} FROM up"""
            )

    steps = [0]

    def counted(db: object) -> int:
        steps[0] = 0
        db.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1), 100)  # type: ignore[attr-defined]
        found = tally.read(db)  # type: ignore[arg-type]
        db.set_progress_handler(None, 0)  # type: ignore[attr-defined]
        assert ("crm", "retrying", 30000) in found.deliveries
        assert (found.intents, found.deferred) == (30000, 30000)
        return steps[0]

    await world.core.db.write(fill)
    assert await world.core.db.read(counted) < 50  # hundreds of SQLite's steps
    began = asyncio.get_running_loop().time()
    text = (await world.get("/metrics")).raw.decode()
    assert 'gateway_deliveries{channel="crm",outcome="retrying"} 30000.0' in text
    assert asyncio.get_running_loop().time() - began < 1.0


async def test_what_is_kept_is_what_would_be_counted(world: World) -> None:
    """After sign-ups, failures, a replay, a discard, a restart and a wiped shop."""
    world.sandbox.faults.set("crm", Fault("status", status=500))
    await world.core.deferred.stop()
    for number in (1, 2, 3):
        await world.register(number=number)
        await world.register(number=10 + number, headers=LATER | {"Idempotency-Key": f"{number}"})
    world.sandbox.faults.clear()

    def counted(db: sqlite3.Connection) -> tuple[dict[tuple[str, str], int], int, int]:
        rows = db.execute("SELECT channel, outcome, count(*) FROM deliveries GROUP BY 1, 2")
        settled = {"delivered", "skipped", "dry_run", "discarded"}
        open_now = {(row[0], row[1]): row[2] for row in rows if row[1] not in settled}
        waits = "SELECT count(*) FROM registrations WHERE state = 'waiting'"
        intents = "SELECT count(*) FROM intents"
        return open_now, db.execute(waits).fetchone()[0], db.execute(intents).fetchone()[0]

    def kept(db: sqlite3.Connection) -> tuple[dict[tuple[str, str], int], int, int]:
        found = tally.read(db)
        return {(c, o): n for c, o, n in found.deliveries if n}, found.deferred, found.intents

    async def agree() -> tuple[dict[tuple[str, str], int], int, int]:
        both = await world.core.db.read(lambda db: (counted(db), kept(db)))
        assert both[0] == both[1]
        return both[0]

    assert await agree() == ({("crm", "retrying"): 3}, 3, 3)
    ids = [row.id for row in await world.deliveries(channels=("crm",))]
    await world.core.discard(ids[:1])
    await agree()
    assert await world.replay(id=ids[1:2]) == 1
    assert await agree() == ({("crm", "retrying"): 1}, 3, 3)
    await world.restart()
    await world.core.deferred.stop()
    await world.settled()
    await agree()
    await world.core.db.write(erasure.wipe_shop)
    assert await agree() == ({}, 0, 0)
