"""Orders earn points: through Shopify's webhooks, into the member's balance."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.shopify.orders import Order
from gateway.sandbox.smaregi.stores import a_store
from tests.points.shop import Shop, a_shop


async def test_a_paid_order_earns_points_once_however_often_it_is_told(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        await shop.hear()
        order = shop.buy(1234, 500, shipping=800)
        await shop.rest()
        assert shop.balance == 17
        assert shop.posted == [(f"E{_base36(order.id)}-1", 17)]
        for _ in range(3):
            await shop.notice(order)
        shop.orders.fulfil(order)
        await shop.rest()
        assert shop.balance == 17
        (one,) = await shop.moved(order)
        assert (one.state, one.points, one.member_id) == ("done", 17, shop.member)
        (row,) = [r for r in shop.smaregi.transactions.rows.values() if r["memo"]]
        assert (row["memo"], row["subtotal"], row["total"]) == (
            f"オンライン注文 {order.id}",
            "0",
            "0",
        )
        shown = await shop.world.get(f"/v1/customers/{shop.customer}/points")
        assert shown.body["points"] == 17
        text = (await shop.world.get("/metrics")).raw.decode()
        assert 'gateway_points_moved_total{direction="given"} 17.0' in text


def _base36(number: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = digits[digit] + text
    return text.rjust(9, "0")


Change = Callable[[Shop, Order], None]


@pytest.mark.parametrize(
    ("change", "points"),
    [
        (lambda shop, order: shop.orders.refund(order, {0: 1}), 20),
        (lambda shop, order: shop.orders.refund(order, {0: 1, 1: 1}), 0),
        (lambda shop, order: shop.orders.refund(order, goodwill=550), 24),
        (lambda shop, order: shop.orders.refund(order, shipping=300), 30),
        (lambda shop, order: shop.orders.edit(order, 1, 0), 10),
        (lambda shop, order: shop.orders.edit(order, 2, 2), 30),
        (lambda shop, order: shop.orders.cancel(order), 0),
    ],
    ids=["refund", "all", "goodwill", "shipping", "edit down", "edit up unpaid", "cancel"],
)
async def test_what_becomes_of_an_order_becomes_of_its_points(
    tmp_path: Path, change: Change, points: int
) -> None:
    async with a_shop(tmp_path) as shop:
        await shop.hear()
        order = shop.buy(1000, 2000, shipping=300)
        await shop.rest()
        assert shop.balance == 30
        change(shop, order)
        await shop.rest()
        assert shop.balance == points
        assert sum(one.points for one in await shop.moved(order)) == points


async def test_several_refunds_and_a_paid_edit_are_followed_in_turn(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        order = shop.buy(shop.orders.line(1000, 3))
        await shop.notice(order)
        shop.orders.refund(order, {0: 1})
        await shop.notice(order)
        shop.orders.refund(order, {0: 1})
        shop.orders.edit(order, 1, 1)
        await shop.notice(order)
        assert shop.balance == 10
        shop.orders.pay(order)
        await shop.notice(order)
        assert shop.balance == 15
        assert [points for _, points in shop.posted] == [30, -10, -10, 5]
        assert len({number for number, _ in shop.posted}) == 4


async def test_an_order_that_is_not_paid_waits_and_one_that_is_cancelled_first_earns_nothing(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path) as shop:
        await shop.hear()
        paid, cancelled = shop.buy(1000, paid=False), shop.buy(1000, paid=False)
        await shop.rest()
        assert await shop.state(paid) == ("waiting", "unpaid")
        shop.orders.pay(paid)
        shop.orders.cancel(cancelled)
        await shop.rest()
        assert await shop.state(paid) == ("given", "")
        assert await shop.state(cancelled) == ("ignored", "cancelled")
        assert shop.balance == 10


async def test_points_may_wait_for_the_fulfilment(tmp_path: Path) -> None:
    async with a_shop(tmp_path, POINTS_EARN_AFTER="fulfilled") as shop:
        await shop.hear()
        order = shop.buy(1000)
        await shop.rest()
        assert await shop.state(order) == ("waiting", "unfulfilled")
        shop.orders.fulfil(order)
        await shop.rest()
        assert shop.balance == 10


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"test": True}, "test"),
        ({"source_name": "pos"}, "not_checkout"),
        ({"checkout_token": None}, "not_checkout"),
        ({"currency_code": "USD"}, "currency"),
    ],
)
async def test_some_orders_earn_nothing(
    tmp_path: Path, fields: dict[str, Any], reason: str
) -> None:
    async with a_shop(tmp_path) as shop:
        order = shop.buy(1000, **fields)
        await shop.notice(order)
        assert await shop.state(order) == ("ignored", reason)
        assert shop.posted == []


async def test_orders_of_tills_and_other_apps_earn_where_the_shop_wants_it(tmp_path: Path) -> None:
    async with a_shop(tmp_path, POINTS_ORDERS="all") as shop:
        for fields in ({"source_name": "pos"}, {"checkout_token": None}):
            await shop.notice(shop.buy(1000, **fields))
        await shop.notice(shop.buy(1000, test=True))
        assert shop.balance == 20


async def test_an_order_of_250_lines_is_read_whole_and_gift_cards_alone_earn_nothing(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path) as shop:
        lines = [shop.orders.line(10, is_gift_card=number % 2 == 0) for number in range(250)]
        await shop.notice(shop.buy(*lines))
        assert shop.balance == 12
        await shop.notice(shop.buy(shop.orders.line(9000, is_gift_card=True)))
        assert shop.balance == 12


# -- rates


async def test_the_members_own_rate_goes_before_the_stores_and_stays_the_orders(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path) as shop:
        own = {"pointGivingUnit": "3", "pointGivingUnitPrice": "100"}
        shop.smaregi.edit(shop.member, **own)
        order = shop.buy(1000, 1000)
        await shop.notice(order)
        assert shop.balance == 60
        shop.smaregi.edit(shop.member, pointGivingUnit=None, pointGivingUnitPrice=None)
        shop.orders.refund(order, {0: 1})
        await shop.notice(order)
        assert shop.balance == 30
        await shop.notice(shop.buy(1000))
        assert shop.balance == 40


async def test_a_rate_of_the_settings_goes_before_all(tmp_path: Path) -> None:
    async with a_shop(tmp_path, POINTS_RATE="5/1000") as shop:
        shop.smaregi.edit(shop.member, pointGivingUnit="3", pointGivingUnitPrice="100")
        await shop.notice(shop.buy(1999))
        assert shop.balance == 5


async def test_a_store_that_gives_points_without_tax_gives_them_online_too(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        shop.smaregi.stores["1"] = a_store(pointGivingDivision="2")
        await shop.notice(shop.buy(1100))
        assert shop.balance == 10
