"""The database or the secret is lost: what the upstreams know carries on."""

import asyncio
from pathlib import Path

from gateway.sandbox import Fault
from tests.cli.process import Shell
from tests.e2e.herd.backlog import put_aside
from tests.e2e.trouble.ending import all_delivered
from tests.world import TARO, World

ANOTHER = "another secret made after the loss"


async def test_with_a_new_secret_the_index_of_members_is_rebuilt(world: World) -> None:
    """Its keyed hashes fit no longer: a store member unrecognised would become two."""
    members = world.sandbox.smaregi.members
    world.sandbox.smaregi.skew = -86400.0
    world.sandbox.smaregi.add(lastName="山田", firstName="太郎", mailAddress=TARO["email"])
    world.sandbox.smaregi.skew = 0.0  # changed a day ago: no refresh shows it again
    await world.core.smaregi.index.start_scan(again=True)
    await world.restart(GATEWAY_SECRET=ANOTHER)
    await world.until(lambda: world.core.smaregi.index.ready)
    reply = await world.register()
    await world.settled()
    assert len(members) == 1
    assert reply.channel("smaregi")["action"] == "linked"


async def test_a_store_that_changed_nothing_for_a_month_takes_registrations(world: World) -> None:
    """Smaregi looks back 31 days at most; the newest member of a quiet store is older."""
    world.sandbox.smaregi.fill(1)
    await world.core.smaregi.index.start_scan(again=True)
    assert (await world.register()).channel("smaregi")["outcome"] == "delivered"


async def test_with_a_new_secret_an_open_intent_is_resolved_by_our_own_id(world: World) -> None:
    await world.until(lambda: world.core.shopify._defined)
    world.settings["GATEWAY_RESPONSE_DEADLINE"] = "1"
    await world.restart()
    await world.until(lambda: world.core.shopify._defined)
    world.sandbox.faults.set("shopify", Fault("late", delay=1.5, match="customerCreate"))
    waiting = await world.register()
    assert waiting.status == 503
    world.sandbox.faults.clear()
    await world.restart(GATEWAY_SECRET=ANOTHER)
    await world.until(lambda: len(world.sandbox.mail.messages) == 1)
    await all_delivered(world)
    assert len(world.sandbox.shopify.customers) == len(world.sandbox.smaregi.members) == 1


async def test_a_lost_database_makes_nobody_twice(world: World) -> None:
    for number in (1, 2, 3):
        assert (await world.register(number=number)).status == 201
    await world.stop()
    for path in world.folder.glob("gateway.db*"):
        path.unlink()
    await world.start()
    again = await world.register(number=1)
    assert again.status == 409
    customers = list(world.sandbox.shopify.customers)
    await world.stop()
    for channel in ("smaregi", "crm"):
        put_aside(world.file, channel, customers)
    await world.start()
    await all_delivered(world)
    numbers = sorted(str(m["customerCode"]) for m in world.sandbox.smaregi.members.values())
    assert numbers == sorted(map(str, customers))
    assert len(world.sandbox.hubspot.contacts) == 3
    assert len(world.sandbox.mail.messages) == 3


async def test_a_corrupt_file_at_start_is_exit_1_with_a_hint(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "gateway.db").write_bytes(b"no database, but longer than a header of one" * 200)
    shell = Shell.beside(world.sandbox, folder)
    ended = await asyncio.wait_for(shell.run("serve"), 20)
    assert ended.code == 1
    assert "restore a backup" in ended.err
    assert "Traceback" not in ended.err
