"""What the gateway remembers it remembers before, during and after its secret is exchanged."""

from pathlib import Path

import pytest

from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from gateway.store import proofs
from tests.duplicates.mending import customer_of, link_of, member, store_member
from tests.e2e.evidence import rows_in
from tests.registration.deferred.later import becomes, comes_back, later, waits_for_long
from tests.rotation.rotating import NEW, OLD, STAGES, begin, bring_to, drop_old, old_member, rotate
from tests.sync.pos.scene import at_the_till, in_shopify, signed_up, writes
from tests.sync.webhooks.conftest import connect
from tests.world import TARO, World, a_world

EVERY_STAGE = pytest.mark.parametrize("stage", STAGES)
IN_TIME = pytest.mark.parametrize("stage", STAGES[:2])
"""Remembered for a day, for which the old secret is kept."""
KEY = {"Idempotency-Key": "a key of the storefront"}


@IN_TIME
async def test_the_same_key_gives_the_same_answer(world: World, stage: str) -> None:
    first = await world.register(headers=KEY)
    await bring_to(world, stage)
    calls = len(world.sandbox.journal)
    again = await world.register(headers=KEY)
    assert (again.status, again.raw) == (201, first.raw)
    other = await world.register(headers=KEY, first_name="次郎")
    assert other.status == 422
    assert not world.sandbox.journal.of("shopify", "customerCreate")[1:]
    assert len(world.sandbox.journal) >= calls


@IN_TIME
async def test_a_repeated_sign_up_is_the_same(world: World, stage: str) -> None:
    first = await world.register()
    await bring_to(world, stage)
    again = await world.register()
    assert (again.status, again.body["id"]) == (201, first.body["id"])


@EVERY_STAGE
async def test_a_sign_up_that_waits_reaches_shopify(quick: World, stage: str) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    reply = await later(quick)
    await waits_for_long(quick)
    await bring_to(quick, stage)
    again = await later(quick)
    assert again.body["id"] == reply.body["id"]  # it is known to be the same
    await comes_back(quick)
    await becomes(quick, reply, "complete")
    assert await rows_in(quick, "intents") == 0
    assert len(quick.sandbox.shopify.customers) == 1


@EVERY_STAGE
async def test_a_change_that_changes_nothing_writes_nothing(world: World, stage: str) -> None:
    customer = customer_of(await world.register())
    await bring_to(world, stage)
    world.sandbox.journal.clear()
    reply = await world.patch(f"/v1/customers/{customer}", {"first_name": TARO["first_name"]})
    assert reply.status == 200, reply.body
    await world.settled()
    assert [*writes(world, "smaregi"), *writes(world, "crm")] == []


@EVERY_STAGE
async def test_a_change_writes_what_changed_and_nothing_else(world: World, stage: str) -> None:
    customer = customer_of(await world.register())
    (till,) = world.sandbox.smaregi.members
    world.sandbox.smaregi.edit(till, mobileNumber="09099998888")
    await bring_to(world, stage)
    await world.patch(f"/v1/customers/{customer}", {"first_name": "次郎"})
    await world.settled()
    row = member(world, till)
    assert (row["firstName"], row["mobileNumber"]) == ("次郎", "09099998888")


@EVERY_STAGE
async def test_a_store_member_is_recognised(world: World, stage: str) -> None:
    till = await old_member(world)
    await bring_to(world, stage)
    reply = await world.register()
    assert reply.channel("smaregi")["action"] == "linked", reply.body
    assert reply.channel("smaregi")["reference"] == str(till)


@EVERY_STAGE
async def test_a_proven_email_stays_proven(world: World, stage: str) -> None:
    """By its hash alone: the link that asks for it is made afterwards."""
    customer = customer_of(await world.register())
    await bring_to(world, stage)
    emails = world.core.keys.emails(TARO["email"])

    assert await world.core.db.read(lambda db: proofs.is_known(db, customer, emails))
    other = world.core.keys.emails("other@example.com")
    assert not await world.core.db.read(lambda db: proofs.is_known(db, customer, other))


@EVERY_STAGE
async def test_a_link_that_waits_for_a_proof_gets_it(world: World, stage: str) -> None:
    till = store_member(world, customerCode="0012345")
    customer = customer_of(await world.register(email_verified=False))
    link = await link_of(world, customer)
    assert link is not None
    assert link.unproven
    await bring_to(world, stage)
    assert (await world.get(f"/v1/customers/{customer}/points")).status == 403
    changed = await world.patch(f"/v1/customers/{customer}", {"email_verified": True})
    assert changed.status == 200, changed.body
    await world.settled()
    assert (await world.get(f"/v1/customers/{customer}/points")).status == 200
    assert member(world, till)["customerCode"] == str(customer)


@EVERY_STAGE
async def test_no_change_at_the_till_is_invented_and_none_is_lost(
    tmp_path: Path, stage: str
) -> None:
    settings = {"SMAREGI_SYNC_CHANGES": "true", "GATEWAY_SECRET": OLD}
    async with a_world(tmp_path, None, **settings) as world:
        world.core.events.handlers["smaregi"].rest = 0.05
        await connect(world)
        await signed_up(world)
        # The till writes the number otherwise, which is no change: it is held under a mark `t:`.
        await at_the_till(world, mobileNumber="090-1234-5678", note="x")
        await bring_to(world, stage)
        world.core.events.handlers["smaregi"].rest = 0.05
        await connect(world)
        world.sandbox.journal.clear()
        await at_the_till(world, note="seen")
        assert [*writes(world, "shopify"), *writes(world, "smaregi")] == []
        await at_the_till(world, firstName="次郎")
        assert (await in_shopify(world)).first_name == "次郎"


@EVERY_STAGE
async def test_a_failed_change_is_not_tried_again_by_its_echo(world: World, stage: str) -> None:
    customer = customer_of(await world.register())
    world.sandbox.faults.set("crm", Fault("status", status=400))
    await world.patch(f"/v1/customers/{customer}", {"first_name": "次郎"})
    await world.settled()
    (failed,) = await world.deliveries(outcomes=(Outcome.FAILED,))
    await bring_to(world, stage)
    read = await world.core.shopify.read([customer])
    await world.core.updates.changed(list(read.values()))
    await world.settled()
    assert (await world.deliveries(ids=(failed.id,)))[0].outcome is Outcome.FAILED


@EVERY_STAGE
async def test_a_second_rotation_follows_the_first(world: World, stage: str) -> None:
    first = await world.register()
    await bring_to(world, stage)
    newer = "and yet another one after that"
    older = NEW if stage == "old one gone" else f"{NEW},{OLD}"
    await begin(world, newer, older)
    assert (await rotate(world))["state"] == "rotated"
    await world.restart(GATEWAY_SECRET=newer)
    world.sandbox.journal.clear()
    customer = customer_of(first)
    await world.patch(f"/v1/customers/{customer}", {"first_name": TARO["first_name"]})
    await world.settled()
    assert [*writes(world, "smaregi"), *writes(world, "crm")] == []
    await drop_old(world)
