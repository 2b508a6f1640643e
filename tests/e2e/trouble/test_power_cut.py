"""A power cut at any moment: what was answered 201 is there, with its deliveries."""

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.e2e.evidence import CHANNELS
from tests.e2e.trouble.disk import Disk
from tests.e2e.trouble.ending import all_delivered
from tests.world import World

FILES = ["gateway.db", "gateway.db-wal"]
CUTS = 60


async def acknowledged(world: World, disk: Disk) -> dict[str, int]:
    """Registrations in waves, with checkpoints between: id -> the moment of its 201."""
    told: dict[str, int] = {}

    async def one(number: int) -> None:
        reply = await world.register(number=number)
        assert reply.status == 201, reply.body
        told[reply.body["id"]] = disk.now

    for wave in range(6):
        await asyncio.gather(*(one(wave * 8 + n + 1) for n in range(8)))
        if wave % 2:
            await world.core.db.checkpoint()
    return told


def rebuilt(disk: Disk, moment: int, folder: Path, seed: int) -> Path:
    """The files as the cut left them."""
    folder.mkdir()
    for name, content in disk.after_power_cut(moment, FILES, seed).items():
        (folder / name).write_bytes(content)
    return folder / FILES[0]


def owed_in(path: Path) -> dict[str, set[str]]:
    """Registration id -> channels that have a delivery; the file must be sound."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = db.execute(
            "SELECT r.id, d.channel FROM registrations r JOIN deliveries d"
            " ON d.registration_id = r.id WHERE r.state = 'accepted'"
        ).fetchall()
    owed: dict[str, set[str]] = {}
    for registration_id, channel in rows:
        owed.setdefault(registration_id, set()).add(channel)
    return owed


def lost_at(disk: Disk, moment: int, told: dict[str, int], folder: Path, seed: int) -> list[str]:
    owed = owed_in(rebuilt(disk, moment, folder, seed))
    promised = [name for name, answered_at in told.items() if answered_at <= moment]
    return [name for name in promised if owed.get(name) != set(CHANNELS)]


async def test_every_acknowledged_registration_survives_a_power_cut(
    on_disk: World, disk: Disk, tmp_path: Path
) -> None:
    began = disk.now
    told = await acknowledged(on_disk, disk)
    chance = random.Random(1)
    moments = sorted(told.values())[::6] + [chance.randint(began, disk.now) for _ in range(CUTS)]
    for number, moment in enumerate(moments):
        assert lost_at(disk, moment, told, tmp_path / f"cut{number}", number) == []


async def test_this_disk_shows_what_a_weaker_setting_would_lose(
    on_disk: World, disk: Disk, tmp_path: Path
) -> None:
    """The test above can fail: with `synchronous = NORMAL` a power cut takes what was promised."""
    await on_disk.core.db.read(lambda c: c.execute("PRAGMA synchronous = NORMAL").fetchall())
    told = await acknowledged(on_disk, disk)
    moments = sorted(told.values())[::6]
    lost = [lost_at(disk, m, told, tmp_path / f"cut{n}", n) for n, m in enumerate(moments)]
    assert any(lost)


async def test_commits_are_synced_before_they_count(on_disk: World) -> None:
    def pragmas(c: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "secure_delete")
        return [c.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    full, on = 2, 1
    assert await on_disk.core.db.read(pragmas) == ["wal", full, on]


async def test_after_the_cut_the_next_start_finishes_what_was_under_way(
    on_disk: World, disk: Disk, tmp_path: Path
) -> None:
    """The upstreams have what they had; the database is what the cut left: nothing comes twice."""
    for channel in CHANNELS:
        on_disk.sandbox.delays[channel] = 0.2
    waiting = [asyncio.create_task(on_disk.register(number=n)) for n in range(1, 9)]
    accepted = on_disk.sandbox.shopify.customers
    await on_disk.until(lambda: len(on_disk.sandbox.journal.applied("smaregi")) >= 1)
    moment = disk.now
    await asyncio.gather(*waiting)
    await on_disk.stop()
    after = rebuilt(disk, moment, tmp_path / "cut", 0)
    on_disk.settings["GATEWAY_DATABASE_URL"] = f"sqlite:///{after}"
    await on_disk.start()
    on_disk.sandbox.delays.clear()
    await all_delivered(on_disk)
    assert len(accepted) == len(on_disk.sandbox.smaregi.members) == 8
    assert len(on_disk.sandbox.hubspot.contacts) == 8
    assert len({mail.message_id for mail in on_disk.sandbox.mail.messages}) == 8
