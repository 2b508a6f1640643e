"""What the channels get of a change: by their flags, after failures, one after the other."""

import asyncio
from typing import Any

import pytest

from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from tests.e2e.evidence import assert_problem, rows_in, told
from tests.sync.updates.patching import contact, member, patch, registered, shopify, updates
from tests.world import World


@pytest.mark.parametrize(
    "flags", [{"FLAG_UPDATES": "off"}, {"FLAG_SMAREGI": "off", "FLAG_CRM": "off"}]
)
async def test_off_reaches_shopify_alone_and_opens_no_delivery(
    world: World, flags: dict[str, str]
) -> None:
    number = await registered(world)
    world.set(**flags)
    rows = await rows_in(world, "deliveries")
    reply = await patch(world, number, last_name="佐藤")
    assert reply.body["channels"] == {}
    assert reply.body["status"] == "complete"
    assert shopify(world, number).last_name == "佐藤"
    assert await rows_in(world, "deliveries") == rows


@pytest.mark.parametrize(("mode", "outcome"), [("hold", "held"), ("dry_run", "dry_run")])
async def test_hold_and_dry_run_are_told_and_write_nothing(
    world: World, mode: str, outcome: str
) -> None:
    number = await registered(world)
    world.set(FLAG_UPDATES=mode)
    world.sandbox.journal.clear()
    reply = await patch(world, number, last_name="佐藤")
    assert {c["outcome"] for c in reply.body["channels"].values()} == {outcome}
    assert reply.body["status"] == "complete"
    assert told(world) == []


@pytest.mark.parametrize(
    ("mode", "outcome"), [("off", "delivered"), ("hold", "held"), ("dry_run", "dry_run")]
)
async def test_opting_out_goes_at_once_whatever_the_flag_says(
    world: World, mode: str, outcome: str
) -> None:
    number = await registered(world)
    world.set(FLAG_SMAREGI=mode)
    reply = await patch(world, number, accepts_marketing=False, last_name="佐藤")
    assert member(world)["mailReceiveFlag"] == "0"
    assert member(world)["lastName"] == "山田"
    assert reply.channel("smaregi")["outcome"] == outcome
    assert reply.channel("crm")["outcome"] == "delivered"
    world.set(FLAG_SMAREGI="on")
    await patch(world, number, first_name="次郎")
    assert member(world)["lastName"] == "佐藤"


async def test_opting_out_is_tried_again_until_it_arrives_whatever_the_flag_says(
    world: World,
) -> None:
    number = await registered(world)
    world.set(FLAG_CRM="off")
    world.sandbox.faults.set("crm", Fault("status", status=500, times=1))
    reply = await patch(world, number, accepts_marketing=False, last_name="佐藤")
    assert reply.channel("crm")["outcome"] == "retrying"
    assert await world.replay() == 1
    assert contact(world)["accepts_marketing"] == "false"
    assert contact(world)["lastname"] == "山田"


async def test_a_channel_that_fails_has_its_change_later_and_hinders_no_other(
    world: World,
) -> None:
    number = await registered(world)
    world.sandbox.faults.set("smaregi", Fault("status", status=500))
    reply = await patch(world, number, last_name="佐藤")
    assert reply.body["status"] == "partial"
    assert reply.channel("smaregi")["outcome"] == "retrying"
    assert reply.channel("crm")["outcome"] == "delivered"
    assert (await patch(world, number, first_name="次郎")).body["status"] == "partial"
    assert len(await updates(world)) == 3
    world.sandbox.faults.clear()
    await world.replay()
    assert (member(world)["lastName"], member(world)["firstName"]) == ("佐藤", "次郎")


async def test_a_lost_write_is_undone_by_a_change_back(world: World) -> None:
    """The marks alone would say that nothing differs; the channel has what the lost write left."""
    number = await registered(world)
    world.sandbox.faults.set("crm", Fault("drop", times=1, match="PATCH"))
    assert (await patch(world, number, last_name="佐藤")).body["status"] == "partial"
    assert contact(world)["lastname"] == "佐藤"
    await patch(world, number, last_name="山田")
    await world.replay()
    assert contact(world)["lastname"] == "山田"


async def test_changes_of_one_customer_go_one_after_the_other(world: World) -> None:
    number = await registered(world)
    world.sandbox.delays["shopify"] = 0.02
    names = [f"名{i}" for i in range(6)]
    replies = await asyncio.gather(*(patch(world, number, first_name=name) for name in names))
    assert {reply.status for reply in replies} == {200}
    assert shopify(world, number).first_name == names[-1]
    assert member(world)["firstName"] == contact(world)["firstname"] == names[-1]


async def test_a_caller_who_hangs_up_cancels_nothing(world: World) -> None:
    number = await registered(world)
    world.sandbox.delays["shopify"] = 0.2
    task = asyncio.create_task(patch(world, number, last_name="佐藤"))
    await world.until(world.core.deliverer.has_work)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await world.until(lambda: member(world)["lastName"] == contact(world)["lastname"] == "佐藤")


async def test_a_proven_email_releases_a_registration_that_waits(world: World) -> None:
    world.set(SMAREGI_LINK_UNVERIFIED="false")
    world.sandbox.smaregi.add(
        mailAddress="taro@example.com", lastName="山田", firstName="太郎", birthDate="1990-04-01"
    )
    reply = await world.register(email_verified=False)
    assert reply.channel("smaregi")["error_class"] == "conflict"
    number = reply.body["shopify_customer_id"].rpartition("/")[2]
    after = await patch(world, int(number), email_verified=True)
    assert after.channel("smaregi") == {
        "outcome": "delivered",
        "action": "linked",
        "reference": "1",
    }
    assert after.body["member_number"] == number


async def test_the_rate_and_the_key_are_those_of_registrations(world: World) -> None:
    number = await registered(world)
    world.set(GATEWAY_API_KEYS="a-key-of-16-letters", GATEWAY_RATE_LIMIT="1")
    assert (await patch(world, number, first_name="x")).status == 401
    key = {"Authorization": "Bearer a-key-of-16-letters"}
    path = f"/v1/customers/{number}"
    assert (await world.patch(path, {"first_name": "x"}, headers=key)).status == 200
    reply = await world.patch(path, {"first_name": "x"}, headers=key)
    assert_problem(reply, 429)
    assert reply.headers["Retry-After"]


@pytest.mark.parametrize("moment", ["before Shopify", "after Shopify"])
async def test_a_gateway_that_dies_in_between_brings_the_channels_up_to_date_at_its_next_start(
    world: World, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await registered(world)
    change = world.core.shopify.change

    async def dies(*arguments: Any) -> Any:
        if moment == "after Shopify":
            await change(*arguments)
        raise SystemError(moment)

    monkeypatch.setattr(world.core.shopify, "change", dies)
    assert (await patch(world, number, last_name="佐藤")).status == 500
    assert await updates(world) == ["pending", "pending"]
    assert all(
        d.next_attempt_at is not None for d in await world.deliveries(outcomes=(Outcome.PENDING,))
    ), "not due while Shopify may still be at it"
    await world.restart()
    wanted = "佐藤" if moment == "after Shopify" else "山田"
    async with asyncio.timeout(30):
        while await updates(world) != ["delivered", "delivered"]:
            await asyncio.sleep(0.01)
    assert shopify(world, number).last_name == wanted
    assert member(world)["lastName"] == contact(world)["lastname"] == wanted
