"""secret rotate: whole, however often it is broken off, and never beside an attempt."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gateway.app import Role
from gateway.rotation import customers
from gateway.rotation.stock import reseal
from gateway.sandbox import Fault
from gateway.store import rekeying, signup_evidence
from tests.duplicates.mending import customer_of, store_member
from tests.e2e.trouble.ending import eventually
from tests.registration.deferred.later import later, waits_for_long
from tests.rotation.rotating import (
    FINGERPRINTS,
    NEW,
    OLD,
    begin,
    drop_old,
    in_database,
    old_member,
    rotate,
    stored_hashes,
)
from tests.sync.pos.scene import at_the_till, signed_up
from tests.sync.webhooks.conftest import connect
from tests.world import World, a_world

KINDS = (
    "SELECT 1 FROM links WHERE unproven IS NOT NULL",
    "SELECT 1 FROM signup_evidence",
    "SELECT 1 FROM proofs",
    "SELECT 1 FROM intents",
    "SELECT 1 FROM deliveries WHERE outcome = 'failed' AND content_hash IS NOT NULL",
    "SELECT 1 FROM deliveries WHERE outcome = 'retrying' AND json_extract(plan, '$.unproven')",
)


async def _everything(world: World) -> None:
    """A row of each kind that holds keyed hashes."""
    store_member(world, customerCode="0012345")
    assert (await world.register(email_verified=False)).channel("smaregi")["action"] == "linked"
    world.sandbox.faults.set("crm", Fault("status", status=400))
    await world.register(number=1)
    world.sandbox.faults.clear()
    world.sandbox.faults.set("smaregi", Fault("hang", match="PATCH"))
    store_member(world, customerCode="0012346", mailAddress="taro2@example.com")
    await world.register(number=2, email_verified=False)
    world.sandbox.faults.clear()
    world.sandbox.faults.set("shopify", Fault("refuse"))
    await later(world, number=3)
    await waits_for_long(world)
    world.sandbox.faults.clear()


async def test_no_row_depends_on_the_old_secret_afterwards(quick: World) -> None:
    await _everything(quick)
    before = await stored_hashes(quick)
    await eventually(lambda: _are_all_there(quick))
    await begin(quick)
    ended = await rotate(quick)
    assert (ended["state"], ended["customers"]) == ("rotated", 3), ended
    after = await stored_hashes(quick)
    assert len(after) >= len(before) > 20
    assert after & before == set()
    ((sealed, identity),) = await in_database(quick, "SELECT sealed, registration_id FROM intents")
    assert quick.core.keys.older[0].unseal(sealed, identity) is None
    assert quick.core.keys.unseal(sealed, identity) is not None


async def _are_all_there(world: World) -> bool:
    return all([await in_database(world, kind) for kind in KINDS])


@pytest.mark.parametrize("system", ["shopify", "smaregi"])
async def test_it_goes_on_by_itself_where_the_gateway_died(
    world: World, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while the members are read, and in the middle of the customers."""
    monkeypatch.setattr(customers, "_AT_ONCE", 1)
    for number in (1, 2, 3):
        await world.register(number=number)
    before = await stored_hashes(world)
    await begin(world)
    page = world.core.rotation._customers.page

    async def hangs_at_the_second(after: int) -> list[int]:
        if after:
            await asyncio.Event().wait()
        return await page(after)

    if system == "shopify":
        monkeypatch.setattr(world.core.rotation._customers, "page", hangs_at_the_second)
    else:
        world.sandbox.faults.set("smaregi", Fault("hang", match="GET /customers"))
    asking = asyncio.create_task(rotate(world))
    reached = 1 if system == "shopify" else 0
    await eventually(lambda: _has_reached(world, reached))
    await world.stop()
    await asking
    world.sandbox.faults.clear()
    await world.start()
    await eventually(lambda: _is_over(world))
    assert (await rotate(world))["state"] == "rotated"
    assert await stored_hashes(world) & before == set()


async def _has_reached(world: World, count: int) -> bool:
    mark = await world.core.db.read(rekeying.checkpoint)
    return mark is not None and mark.customers == count


async def _is_over(world: World) -> bool:
    return await world.core.db.read(rekeying.checkpoint) is None


async def test_sealing_anew_goes_on_where_it_was(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    for number in (1, 2, 3):
        await later(quick, number=number)
    await waits_for_long(quick)
    db, keys = quick.core.db, quick.core.keys
    await begin(quick, NEW, OLD)
    once = await in_database(quick, "SELECT sealed FROM intents ORDER BY registration_id")
    await reseal(quick.core.db, quick.core.keys)
    twice = await in_database(quick, "SELECT sealed FROM intents ORDER BY registration_id")
    assert once == twice
    rows = await in_database(quick, "SELECT sealed, registration_id FROM intents")
    assert [keys.unseal(sealed, identity) for sealed, identity in rows] == [None] * 3
    assert db is not quick.core.db


async def test_an_attempt_under_way_brings_no_old_mark_back(world: World) -> None:
    customer = customer_of(await world.register())
    before = await stored_hashes(world)
    await begin(world)
    world.sandbox.faults.set("smaregi", Fault("hang", match="PATCH"))
    changing = asyncio.create_task(world.patch(f"/v1/customers/{customer}", {"first_name": "次郎"}))
    await world.until(lambda: world.sandbox.faults.listing()["smaregi"])
    await eventually(lambda: _is_unsure(world))
    rotating = asyncio.create_task(rotate(world))
    await asyncio.sleep(0.2)
    assert not rotating.done()
    world.sandbox.faults.clear()
    assert (await changing).status == 200
    await world.settled()
    assert (await rotating)["state"] == "rotated"
    assert {row[0] for row in await in_database(world, FINGERPRINTS)} & before == set()


async def _is_unsure(world: World) -> bool:
    return bool(await in_database(world, "SELECT 1 FROM links WHERE fingerprints LIKE '%s?%'"))


async def test_who_signs_up_while_the_members_are_read_again_is_not_made_twice(
    world: World,
) -> None:
    world.settings["GATEWAY_AUTO_REPLAY"] = "true"
    store_member(world, customerCode="0012345")
    await world.core.smaregi.index.start_scan(again=True)
    await begin(world)
    world.sandbox.faults.set("smaregi", Fault("slow", delay=0.5, match="GET /customers"))
    rotating = asyncio.create_task(rotate(world))
    await world.until(lambda: not world.core.smaregi.index.ready)
    await world.register()
    world.sandbox.faults.clear()
    assert (await rotating)["state"] == "rotated"
    await eventually(lambda: _links(world, 1))
    assert len(world.sandbox.smaregi.members) == 1


async def _links(world: World, count: int) -> bool:
    return await in_database(world, "SELECT count(*) FROM links WHERE channel = 'smaregi'") == [
        (count,)
    ]


async def test_while_shopify_is_down_it_says_so_and_goes_on_later(quick: World) -> None:
    await quick.register()
    await begin(quick)
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    ended = await rotate(quick)
    assert ended["state"] == "begun"
    assert "shopify" in ended["error"].lower()
    quick.sandbox.faults.clear()
    assert (await rotate(quick))["state"] == "rotated"


async def test_what_the_till_holds_is_asked_for_or_the_rotation_waits(tmp_path: Path) -> None:
    settings = {"SMAREGI_SYNC_CHANGES": "true", "GATEWAY_SECRET": OLD}
    async with a_world(tmp_path, None, **settings) as world:
        world.core.events.handlers["smaregi"].rest = 0.05
        await connect(world)
        customer = await signed_up(world)
        world.set(FLAG_UPDATES="off")
        await at_the_till(world, mobileNumber="090 1234 5678")
        await world.sandbox.shopify.webhooks.settled()
        await world.patch(f"/v1/customers/{customer}", {"first_name": "次郎"})
        of_the_till = f"{FINGERPRINTS} WHERE channel = 'smaregi'"
        before = set(await in_database(world, of_the_till))
        await world.restart(GATEWAY_SECRET=f"{NEW},{OLD}", FLAG_SMAREGI="off")
        ended = await rotate(world)
        assert "FLAG_SMAREGI" in ended["error"]
        await world.restart(FLAG_SMAREGI="hold")
        assert (await rotate(world))["state"] == "rotated"
        assert {row for row in await in_database(world, of_the_till) if row in before} == {("t",)}


async def test_with_smaregi_off_the_members_are_read_once_it_is_on(world: World) -> None:
    till = await old_member(world)
    await world.restart(GATEWAY_SECRET=f"{NEW},{OLD}", FLAG_SMAREGI="off")
    assert (await rotate(world))["state"] == "rotated"
    await world.restart(GATEWAY_SECRET=NEW, FLAG_SMAREGI="on")
    reply = await world.register()
    assert reply.channel("smaregi")["action"] == "linked", reply.body
    assert reply.channel("smaregi")["reference"] == str(till)


async def test_what_was_told_and_not_looked_at_yet_is_asked_anew(world: World) -> None:
    store_member(world, customerCode="0012345")
    customer = customer_of(await world.register())
    await world.stop()
    world.settings["GATEWAY_SECRET"] = f"{NEW},{OLD}"
    await world.start(Role.COMMAND)  # nobody looks for duplicates
    (profile,) = (await world.core.shopify.read([customer])).values()
    by_the_old = signup_evidence.packed(world.core.smaregi.index.signup_evidence(profile.profile))

    def unit(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM signup_evidence")
        db.execute(
            "INSERT OR REPLACE INTO duplicate_queue VALUES (1, ?, ?)", (customer, by_the_old)
        )

    await world.core.db.write(unit)
    assert (await rotate(world))["state"] == "rotated"
    keys = world.core.smaregi.index.signup_evidence(profile.profile)
    assert signup_evidence.packed(keys) != by_the_old
    kept = await in_database(
        world, f"SELECT {', '.join(signup_evidence.COLUMNS)} FROM signup_evidence"
    )
    assert kept == [tuple(keys[column] for column in signup_evidence.COLUMNS)]
    assert (
        await in_database(world, "SELECT 1 FROM duplicate_queue WHERE evidence IS NOT NULL") == []
    )


async def test_a_member_that_left_is_not_told_of_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"SMAREGI_SYNC_CHANGES": "true", "GATEWAY_SECRET": OLD}
    async with a_world(tmp_path, None, **settings) as world:
        world.core.events.handlers["smaregi"].rest = 0.05
        await connect(world)
        await signed_up(world)
        await at_the_till(world, status="3")
        assert "withdrawn" in caplog.text
        await begin(world)
        assert (await rotate(world))["state"] == "rotated"
        await drop_old(world)
        world.core.events.handlers["smaregi"].rest = 0.05
        await connect(world)
        caplog.clear()
        await at_the_till(world, note="x")
        assert "withdrawn" not in caplog.text
        await at_the_till(world, status="0")
        await at_the_till(world, status="3")
        assert "withdrawn" in caplog.text
