"""The card through the front door: a scanner reads the number of whoever is ours, nobody else's."""

from pathlib import Path

import pytest

from gateway.sandbox import Fault
from tests.card.scanner import on_screen, scan
from tests.e2e.evidence import assert_problem, fields_of
from tests.world import TARO, Reply, World, a_world

ID = 7000000000001
CARD = f"/v1/customers/{ID}/card.svg"


def read(reply: Reply) -> str:
    assert reply.status == 200, reply.raw
    ((_, number),) = scan(on_screen(reply.raw, 858))
    return number.decode()


@pytest.mark.parametrize(
    ("query", "form"), [("", "code128"), ("?format=code128", "code128"), ("?format=qr&v=2", "qr")]
)
async def test_the_card_is_there_after_the_sign_up(world: World, query: str, form: str) -> None:
    registered = await world.register()
    reply = await world.get(CARD + query)
    assert reply.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert reply.headers["Cache-Control"].startswith("private")
    number = registered.body["member_number"]
    assert scan(on_screen(reply.raw)) == [(form, number.encode())]
    by_gid = await world.get(f"/v1/customers/gid%3A%2F%2Fshopify%2FCustomer%2F{ID}/card.svg{query}")
    assert by_gid.raw == reply.raw


async def test_a_browser_that_has_the_card_is_told_so(world: World) -> None:
    await world.register()
    first = await world.get(CARD)
    again = await world.get(CARD, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.raw) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = await world.get(CARD + "?format=qr", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status == 200


async def test_the_card_does_not_wait_for_smaregi(world: World) -> None:
    """The number is known beforehand, and the mail that was sent shows it too."""
    world.sandbox.faults.set("smaregi", Fault("status", status=503))
    registered = await world.register()
    assert registered.channel("smaregi")["outcome"] == "retrying"
    assert registered.body["member_number"] == str(ID)
    again = await world.get(f"/v1/registrations/{registered.body['id']}")
    assert again.body["member_number"] == str(ID)
    assert read(await world.get(CARD)) == str(ID)
    (delivery,) = await world.deliveries(channels=("smaregi",))
    await world.core.discard([delivery.id])
    again = await world.get(f"/v1/registrations/{registered.body['id']}")
    assert again.body["member_number"] is None
    assert_problem(await world.get(CARD), 404, "no-card")


@pytest.mark.parametrize("flag", ["off", "dry_run"])
async def test_who_is_no_member_has_no_card(tmp_path: Path, flag: str) -> None:
    async with a_world(tmp_path, FLAG_SMAREGI=flag) as world:
        assert (await world.register()).body["member_number"] is None
        assert_problem(await world.get(CARD), 404, "no-card")


@pytest.mark.parametrize("named", ["7000000009999", "12345", "x", "9" * 19, "gid"])
async def test_who_did_not_sign_up_has_no_card(world: World, named: str) -> None:
    world.sandbox.smaregi.add(customerCode="12345", lastName="佐藤", firstName="花")
    assert_problem(await world.get(f"/v1/customers/{named}/card.svg"), 404, "no-card")


async def test_a_plastic_card_keeps_its_number(tmp_path: Path) -> None:
    async with a_world(tmp_path, SMAREGI_LINK_FIELD="customerNo") as world:
        world.sandbox.smaregi.add(
            customerCode="A<&>-0012 '\"",
            lastName="山田",
            firstName="太郎",
            mailAddress=TARO["email"],
        )
        world.sandbox.faults.set("smaregi", Fault("status", status=503))
        assert (await world.register()).body["member_number"] is None
        assert_problem(await world.get(CARD), 404, "no-card")
        world.sandbox.faults.clear()
        await world.replay(channel="smaregi")
        assert read(await world.get(CARD)) == "A<&>-0012 '\""


@pytest.mark.parametrize("form", ["ean13", "", "QR", "%3Cscript%3E"])
async def test_a_format_that_is_none_is_named(world: World, form: str) -> None:
    reply = await world.get(f"{CARD}?format={form}")
    assert_problem(reply, 422, "invalid-data")
    assert fields_of(reply) == ["format"]
    assert b"script" not in reply.raw


async def test_the_card_wants_the_key(tmp_path: Path) -> None:
    async with a_world(tmp_path, GATEWAY_API_KEYS="a-key-of-sixteen-characters") as world:
        assert_problem(await world.get(CARD), 401)
