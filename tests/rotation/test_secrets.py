"""Which secrets there are, and when the old one may go."""

import logging

import pytest

from gateway.app import Role
from gateway.store import rekeying
from tests.rotation.rotating import (
    NEW,
    NEWER,
    OLD,
    begin,
    drop_old,
    old_member,
    rotate,
    stored_hashes,
)
from tests.sync.pos.scene import writes
from tests.world import TARO, World

GONE = "not in it any more"
EARLY = "went before its time"


async def test_without_an_older_secret_there_is_nothing_to_do(world: World) -> None:
    assert await rotate(world) == {"event": "end", "state": "single"}


async def test_the_old_secret_may_go_a_day_after_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(world)
    ended = await rotate(world)
    assert (ended["state"], ended["may_go"], ended["older"]) == ("rotated", False, 1)
    assert ended["may_go_at"]
    clock = world.live.clock
    monkeypatch.setattr(world.live, "clock", lambda: clock() + 86401)
    assert (await rotate(world))["may_go"] is True
    await world.restart()
    await drop_old(world)
    assert EARLY in caplog.text
    caplog.clear()
    await world.restart()
    assert "GATEWAY_SECRET" not in caplog.text  # it is said once


async def test_a_secret_that_goes_in_its_time_is_not_spoken_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(world)
    await rotate(world)
    new, old = world.core.keys.fingerprint, world.core.keys.older[0].fingerprint
    await world.core.db.write(lambda db: rekeying.set_used(db, {new: None, old: 1.0}))
    await drop_old(world)
    assert "GATEWAY_SECRET" not in caplog.text


async def test_an_old_secret_that_went_unrotated_is_warned_about_and_may_come_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    till = await old_member(world)
    await begin(world, NEW)
    assert GONE in caplog.text
    assert OLD not in caplog.text
    reply = await world.register()
    assert reply.channel("smaregi")["action"] == "linked", reply.body
    assert reply.channel("smaregi")["reference"] == str(till)
    await begin(world, NEW, OLD)
    assert (await rotate(world))["state"] == "rotated"


async def test_going_back_to_the_old_secret_is_warned_about(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(world)
    caplog.clear()
    await begin(world, OLD)
    assert GONE in caplog.text


async def test_a_command_that_owns_the_file_rotates_too(world: World) -> None:
    await world.register()
    before = await stored_hashes(world)
    await world.stop()
    world.settings["GATEWAY_SECRET"] = f"{NEWER},{NEW},{OLD}"
    await world.start(Role.COMMAND)
    ended = await rotate(world)
    assert (ended["state"], ended["older"]) == ("rotated", 2)
    assert await stored_hashes(world) & before == set()


async def test_nothing_is_written_to_the_systems(world: World) -> None:
    await world.register()
    await begin(world)
    world.sandbox.journal.clear()
    assert (await rotate(world))["state"] == "rotated"
    systems = ("shopify", "smaregi", "crm", "email")
    assert [each for system in systems for each in writes(world, system)] == []


async def test_no_value_reaches_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await world.register()
    await begin(world)
    await rotate(world)
    said = [TARO["email"], TARO["last_name"], OLD, NEW]
    assert [each for each in said if each in caplog.text] == []
