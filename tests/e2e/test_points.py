"""Points shown: live from Smaregi through the front door, and never at the sign-ups' expense."""

import asyncio
import logging
from pathlib import Path
from urllib.parse import quote

import pytest

from gateway.errors import ErrorClass, UpstreamError
from gateway.sandbox import Fault, SandboxOptions, SmaregiOptions
from tests.e2e.evidence import assert_problem, personal_data_in, started_quietly
from tests.e2e.herd.backlog import customers_in_shopify
from tests.world import TARO, World, a_world

ID = 7000000000001
POINTS = f"/v1/customers/{ID}/points"
READ = "customers/point"


def a_member(world: World, **fields: str) -> int:
    """Somebody whom the store knows, with 1250 points until the end of the year."""
    names = {"lastName": "山田", "firstName": "太郎", "mailAddress": TARO["email"]}
    member = world.sandbox.smaregi.add(**({"customerCode": "0012345"} | names | fields))
    world.sandbox.smaregi.edit(member, point="1250", pointExpireDate="2026-12-31")
    return member


def reads(world: World) -> int:
    return len(world.sandbox.journal.of("smaregi", READ))


@pytest.mark.parametrize("named", [str(ID), quote(f"gid://shopify/Customer/{ID}", safe="")])
async def test_a_linked_customers_points_are_shown(world: World, named: str) -> None:
    a_member(world)
    assert (await world.register()).channel("smaregi")["action"] == "linked"
    reply = await world.get(f"/v1/customers/{named}/points")
    assert reply.status == 200
    assert reply.body == {
        "points": 1250,
        "expires_on": "2026-12-31",
        "member_number": str(ID),
    }
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("point_list", [True, False])
@pytest.mark.parametrize("numeric_ids", [True, False])
async def test_a_new_member_has_no_points_and_no_expiry(
    tmp_path: Path, point_list: bool, numeric_ids: bool
) -> None:
    smaregi = SmaregiOptions(point_list=point_list, numeric_ids=numeric_ids)
    async with a_world(tmp_path, SandboxOptions(smaregi=smaregi)) as world:
        await world.register()
        reply = await world.get(POINTS)
    assert reply.body == {"points": 0, "expires_on": None, "member_number": str(ID)}


async def test_an_old_cards_number_is_the_member_number_that_is_shown(tmp_path: Path) -> None:
    async with a_world(tmp_path, SMAREGI_LINK_FIELD="customerNo") as world:
        a_member(world)
        await world.register()
        assert (await world.get(POINTS)).body["member_number"] == "0012345"


async def test_a_member_of_whom_no_link_is_known_is_found_by_the_number(world: World) -> None:
    (known,) = customers_in_shopify(world.sandbox, 1)
    a_member(world, customerCode=str(known))
    reply = await world.get(f"/v1/customers/{known}/points")
    assert (reply.status, reply.body["points"]) == (200, 1250)


async def test_the_number_on_a_strangers_card_is_no_customer(world: World) -> None:
    a_member(world, customerCode="2900000000015")
    assert_problem(await world.get("/v1/customers/2900000000015/points"), 404, "no-member")


@pytest.mark.parametrize(
    "named", ["0", "x", "12345", "-7", "7" * 19, "9" * 19, "gid%3A%2F%2Fshopify%2FOrder%2F7", "%00"]
)
async def test_nobody_has_no_points(world: World, named: str) -> None:
    a_member(world, customerCode="12345")
    assert_problem(await world.get(f"/v1/customers/{named}/points"), 404, "no-member")


async def test_a_member_who_was_deleted_at_the_till_is_none(world: World) -> None:
    member = a_member(world)
    await world.register()
    world.sandbox.smaregi.remove(member)
    assert_problem(await world.get(POINTS), 404, "no-member")


async def test_many_readers_of_one_customer_are_one_call(world: World) -> None:
    a_member(world)
    await world.register()
    world.sandbox.delays["smaregi"] = 0.2
    readers = [asyncio.create_task(world.get(POINTS)) for _ in range(40)]
    await asyncio.sleep(0.1)
    readers.pop(0).cancel()  # a reader who hangs up
    replies = await asyncio.gather(*readers)
    assert {reply.body["points"] for reply in replies} == {1250}
    assert reads(world) == 1
    assert (await world.get(POINTS)).status == 200
    assert reads(world) == 1, "shown again for a moment"
    text = (await world.get("/metrics")).raw.decode()
    for line in ('{result="read"} 1.0', '{result="shared"} 39.0', '{result="cached"} 1.0'):
        assert f"gateway_points_reads_total{line}" in text


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("refuse"), "cannot be reached"),
        (Fault("reset"), "cannot be reached"),
        (Fault("hang"), "in time"),
        (Fault("status", status=503), "not available"),
        (Fault("status", status=401), "credentials"),
        (Fault("throttle"), "Too many"),
        (Fault("garbage"), "properly"),
        (Fault("half"), ""),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
async def test_points_that_cannot_be_read_are_a_problem_and_the_failure_is_not_kept(
    impatient: World, fault: Fault, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    a_member(impatient)
    await impatient.register()
    caplog.set_level(logging.DEBUG)
    impatient.sandbox.faults.set("smaregi", fault)
    began = asyncio.get_running_loop().time()
    reply = await impatient.get(POINTS)
    assert asyncio.get_running_loop().time() - began < 2
    assert_problem(reply, 503, "points-unavailable")
    assert words in reply.body["detail"]
    assert int(reply.headers["Retry-After"]) >= 1
    assert personal_data_in(caplog.text) == []
    assert str(ID) not in caplog.text
    impatient.sandbox.faults.clear()
    assert (await impatient.get(POINTS)).status == 200
    assert 'reads_total{result="error"} 1.0' in (await impatient.get("/metrics")).raw.decode()


async def test_while_the_channel_is_paused_nobody_waits_for_points(world: World) -> None:
    a_member(world)
    await world.register()
    circuit = world.core.deliverer.routes["smaregi"].circuit
    for _ in range(5):
        circuit.failed(UpstreamError("smaregi", "find member", ErrorClass.UNAVAILABLE, "HTTP 503"))
    reply = await world.get(POINTS)
    assert_problem(reply, 503, "points-unavailable")
    assert 1 <= int(reply.headers["Retry-After"]) <= 6
    assert reads(world) == 0


async def test_with_the_flag_off_there_are_no_points_to_show(tmp_path: Path) -> None:
    async with a_world(tmp_path, FLAG_SMAREGI="off") as world:
        reply = await world.get(POINTS)
        assert_problem(reply, 404, "no-member")
        assert "FLAG_SMAREGI" in reply.body["detail"]
        assert reads(world) == 0


async def test_points_want_the_key(tmp_path: Path) -> None:
    async with a_world(tmp_path, GATEWAY_API_KEYS="a-key-of-sixteen-characters") as world:
        assert_problem(await world.get(POINTS), 401)


async def test_a_flood_of_readers_delays_no_registration(world: World) -> None:
    """Without a share of their own, 400 readers would take the reads of eight seconds."""
    await started_quietly(world)
    known = customers_in_shopify(world.sandbox, 400)
    for customer in known:
        world.sandbox.smaregi.add(customerCode=str(customer), lastName="佐藤", firstName="花")
    flood = [
        asyncio.create_task(world.get(f"/v1/customers/{customer}/points")) for customer in known
    ]
    await world.until(lambda: any(reader.done() for reader in flood))
    began = asyncio.get_running_loop().time()
    for number in range(1, 6):
        assert (await world.register(number=number)).body["status"] == "complete"
    assert asyncio.get_running_loop().time() - began < 5
    replies = await asyncio.gather(*flood)
    assert {reply.status for reply in replies} == {200, 503}
    assert all("Retry-After" in reply.headers for reply in replies if reply.status == 503)
    shown = [entry.time for entry in world.sandbox.journal.of("smaregi", READ)]
    assert shown
    assert max(sum(at <= other < at + 1 for other in shown) for at in shown) <= 10
