"""Points that a customer spends online: taken, made a code, used or given back, exactly once."""

from pathlib import Path

import pytest

from gateway.points import keeper
from gateway.sandbox.smaregi.stores import a_store
from tests.points.spending import START, spending


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a quarter of an hour."""
    monkeypatch.setattr(keeper, "SETTLING", 0.0)
    monkeypatch.setattr(keeper, "_READ_AGAIN", 0.05)


async def test_points_become_a_code_of_this_customer_for_one_order(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        shop = spender.shop
        reply = await spender.ask(500)
        assert reply.status == 201
        assert reply.headers["Location"].endswith(f"/points/reservations/{reply.body['id']}")
        assert reply.body["state"] == "active"
        assert (reply.body["points"], reply.body["amount"]) == (500, 500)
        assert reply.body["currency"] == "JPY"
        assert shop.balance == START - 500
        code = spender.code(reply.body)
        assert len(code.code) == 20
        assert (code.amount, code.usage_limit, code.customers) == (500, 1, {shop.customer})
        assert code.status(shop.world.core.runtime.clock()) == "ACTIVE"
        shown = await spender.shown(reply.body["id"])
        assert (shown.status, shown.body) == (200, reply.body)
        listed = await shop.world.request("GET", spender.path())
        assert listed.body == {"reservations": [reply.body]}


async def test_an_order_that_uses_the_code_keeps_the_points(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        made = await spender.reserve(500)
        order = spender.shop.buy(3000, codes=[made["code"]])
        assert order.total == 2500
        await spender.shop.notice(order)
        assert await spender.state(made["id"]) == "used"
        assert spender.shop.balance == START - 500
        assert spender.code(made).status(spender.shop.world.core.runtime.clock()) == "EXPIRED"
        reply = await spender.delete(made["id"])
        assert (reply.status, reply.body["type"]) == (409, "reservation-used")
        await spender.expire(made["id"])
        assert spender.shop.balance == START - 500


async def test_what_the_code_was_too_large_for_returns(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        made = await spender.reserve(500)
        order = spender.shop.buy(300, codes=[made["code"]])
        assert order.total == 0
        await spender.shop.notice(order)
        assert spender.shop.balance == START - 300
        assert await spender.moved(made["id"]) == [-500, 200]


async def test_partly_refunded_goods_return_their_share_of_the_points(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        shop = spender.shop
        made = await spender.reserve(500)
        order = shop.buy(shop.orders.line(1000, 3), codes=[made["code"]])
        await shop.notice(order)
        shop.orders.refund(order, {0: 1})
        await shop.notice(order)
        assert shop.balance == START - 334  # each point of which a part was used
        shop.orders.refund(order, {0: 2})
        await shop.notice(order)
        assert shop.balance == START
        assert await spender.state(made["id"]) == "used"


async def test_a_cancelled_order_returns_all_of_them(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        made = await spender.reserve(500)
        order = spender.shop.buy(3000, codes=[made["code"]])
        await spender.shop.notice(order)
        spender.shop.orders.cancel(order)
        await spender.shop.notice(order)
        assert spender.shop.balance == START


@pytest.mark.parametrize("how", ["deleted", "expired"])
async def test_an_unused_reservation_gives_its_points_back(tmp_path: Path, how: str) -> None:
    async with spending(tmp_path) as spender:
        made = await spender.reserve(500)
        if how == "deleted":
            reply = await spender.delete(made["id"])
            assert (reply.status, reply.body["state"]) == (200, "closing")
            await spender.shop.rest()
        else:
            await spender.expire(made["id"])
        assert await spender.state(made["id"]) == "released"
        assert spender.shop.balance == START
        with pytest.raises(ValueError, match="does not take"):
            spender.shop.buy(3000, codes=[made["code"]])
        again = await spender.delete(made["id"])
        assert (again.status, again.body["state"]) == (200, "released")


async def test_an_order_made_just_before_the_end_is_found_without_a_webhook(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        made = await spender.reserve(500)
        spender.shop.buy(3000, codes=[made["code"]])
        await spender.delete(made["id"])
        await spender.shop.rest()
        assert await spender.state(made["id"]) == "used"
        assert spender.shop.balance == START - 500


async def test_the_code_is_found_behind_another_one(tmp_path: Path) -> None:
    """Shopify's search knows an order by its first code alone."""
    async with spending(tmp_path) as spender:
        made = await spender.reserve(500)
        order = spender.shop.buy(3000)
        order.discount_codes += ["SUMMER", made["code"].lower()]
        order.lines[0].codes |= {"SUMMER": 100, made["code"].lower(): 500}
        await spender.delete(made["id"])
        await spender.shop.rest()
        assert await spender.state(made["id"]) == "used"


async def test_points_are_kept_until_every_order_must_be_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "SETTLING", 900.0)
    async with spending(tmp_path) as spender:
        made = await spender.reserve(500)
        await spender.delete(made["id"])
        await spender.shop.rest()
        row = await spender.row(made["id"])
        assert row.state == "closing"
        assert row.ended_at is not None
        assert row.due_at == pytest.approx(row.ended_at + 900.0, abs=1.0)
        assert spender.shop.balance == START - 500


async def test_a_use_that_turns_up_late_is_taken_again(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        shop = spender.shop
        made = await spender.reserve(500)
        await spender.delete(made["id"])
        await shop.rest()
        assert shop.balance == START
        order = shop.buy(3000)
        order.discount_codes.append(made["code"])
        order.lines[0].codes[made["code"]] = 500
        await shop.notice(order)
        assert await spender.state(made["id"]) == "used"
        assert shop.balance == START - 500
        assert await spender.moved(made["id"]) == [-500, 500, -500]


async def test_of_a_late_use_what_is_there_is_taken_and_the_rest_lacks(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        shop = spender.shop
        made = await spender.reserve(500)
        await spender.delete(made["id"])
        await shop.rest()
        shop.smaregi.edit(shop.member, point="120")
        order = shop.buy(3000)
        order.discount_codes.append(made["code"])
        order.lines[0].codes[made["code"]] = 500
        await shop.notice(order)
        assert shop.balance == 0
        assert (await spender.row(made["id"])).lacking == 380


async def test_a_code_that_was_used_twice_takes_its_points_twice(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        spender.discounts.limit_lags = 60.0
        made = await spender.reserve(400)
        orders = [spender.shop.buy(3000, codes=[made["code"]]) for _ in range(2)]
        for order in orders:
            await spender.shop.notice(order)
        assert spender.shop.balance == START - 800
        spender.shop.orders.cancel(orders[0])
        await spender.shop.notice(orders[0])
        assert spender.shop.balance == START - 400


async def test_used_points_earn_where_the_store_says_so(tmp_path: Path) -> None:
    for division, earned in (("1", 30), ("2", 27), ("3", 25), ("4", 22)):
        folder = tmp_path / division
        folder.mkdir()
        async with spending(folder, FLAG_POINTS_EARN="on") as spender:
            spender.shop.smaregi.stores["1"] = a_store(pointGivingDivision=division)
            made = await spender.reserve(500)
            order = spender.shop.buy(3000, codes=[made["code"]])
            await spender.shop.notice(order)
            assert spender.shop.balance == START - 500 + earned, division


async def test_what_was_begun_goes_on_whatever_the_flags_say(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        shop = spender.shop
        used, given_back = await spender.reserve(300), None
        order = shop.buy(3000, codes=[used["code"]])
        await shop.notice(order)
        given_back = await spender.reserve(200)
        shop.world.set(FLAG_POINTS_SPEND="off")
        reply = await spender.ask(100)
        assert (reply.status, reply.body["type"]) == (404, "spending-off")
        assert (await spender.shown(given_back["id"])).status == 200
        assert (await spender.delete(given_back["id"])).status == 200
        shop.orders.cancel(order)
        await shop.notice(order)
        assert shop.balance == START
