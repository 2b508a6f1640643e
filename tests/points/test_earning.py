"""Orders earn points: through Shopify's webhooks, into the member's balance."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox.shopify.orders import Order
from gateway.sandbox.smaregi.stores import a_store
from gateway.store.members import set_meta
from tests.e2e.evidence import assert_problem
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


# -- who


async def test_a_guests_order_is_given_once_they_are_a_member(tmp_path: Path) -> None:
    async with a_shop(tmp_path, member=False) as shop:
        guest = shop.world.sandbox.shopify.add_customer(email="taro@example.com")
        order = shop.buy(1000, customer=guest.id)
        nobody = shop.orders.place(None, [1000])
        await shop.notice(order)
        await shop.notice(nobody)
        assert await shop.state(order) == ("waiting", "no_member")
        assert await shop.state(nobody) == ("waiting", "guest")
        customer, _ = await shop.sign_up()
        assert customer == guest.id
        await shop.world.core.points.worker.round()
        await shop.rest()
        assert shop.balance == 10
        assert (await shop.row(order)).member_id == shop.member


async def test_who_is_a_member_too_late_gets_nothing(tmp_path: Path) -> None:
    async with a_shop(tmp_path, member=False, POINTS_CLAIM_DAYS="0.00001") as shop:
        guest = shop.world.sandbox.shopify.add_customer(email="taro@example.com")
        order = shop.buy(1000, customer=guest.id)
        order.payments[-1].processed_at -= 10
        await shop.notice(order)
        assert await shop.state(order) == ("ignored", "too_late")
        await shop.sign_up()
        await shop.notice(order)
        assert shop.balance == 10, "who is a member by now gets what is read now"


async def test_a_member_who_is_not_proven_to_be_the_customer_gets_nothing_yet(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path, member=False) as shop:
        card = shop.smaregi.add(lastName="山田", firstName="太郎", mailAddress="taro@example.com")
        customer, member = await shop.sign_up(email_verified=False)
        assert member == card
        order = shop.buy(1000)
        await shop.notice(order)
        assert await shop.state(order) == ("waiting", "unproven")
        await shop.world.patch(f"/v1/customers/{customer}", {"email_verified": True})
        await shop.world.settled()
        await shop.world.core.points.worker.round()
        await shop.rest()
        assert shop.balance == 10


async def test_a_member_who_has_left_gets_nothing(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        shop.smaregi.edit(shop.member, status="3")
        order = shop.buy(1000)
        await shop.notice(order)
        assert await shop.state(order) == ("waiting", "member_left")
        assert shop.posted == []


async def test_the_orders_of_merged_customers_are_the_survivors(tmp_path: Path) -> None:
    async with a_shop(tmp_path, member=False) as shop:
        kept, _ = await shop.sign_up()
        other = shop.world.sandbox.shopify.add_customer(email="other@example.com")
        order = shop.buy(1000, customer=other.id)
        await shop.notice(order)
        assert await shop.state(order) == ("waiting", "no_member")
        await shop.told(
            "customers/merge",
            {
                "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
                "admin_graphql_api_customer_deleted_id": other.gid,
                "status": "completed",
            },
        )
        shop.world.sandbox.shopify.merge_customers(kept, other.id)
        await shop.world.until(lambda: other.id not in shop.world.sandbox.shopify.customers)
        await shop.notice(order)
        assert (await shop.row(order)).customer_id == kept
        assert shop.balance == 10


# -- flags


async def test_orders_made_before_the_flag_was_on_earn_only_by_a_backfill(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        old, new = shop.buy(1000), shop.buy(1000)
        old.created_at -= 3600
        for order in (old, new):
            await shop.notice(order)
        assert await shop.state(old) == ("ignored", "before")
        assert shop.balance == 10
        for _ in range(2):
            now = time.time()
            async for event in shop.world.core.points.backfill(now - 7200, now, dry_run=False):
                assert event["count"] == 2
            await shop.rest()
        assert await shop.state(old) == ("given", "")
        assert shop.balance == 20


async def test_a_held_order_is_given_once_the_flag_is_on(tmp_path: Path) -> None:
    async with a_shop(tmp_path, FLAG_POINTS_EARN="hold") as shop:
        order = shop.buy(1000)
        await shop.notice(order)
        assert await shop.state(order) == ("held", "flag")
        shop.world.set(FLAG_POINTS_EARN="on")
        await shop.world.core.points.worker.round()
        await shop.rest()
        assert shop.balance == 10


async def test_a_dry_run_shows_what_it_would_give_and_gives_nothing_later_either(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path, FLAG_POINTS_EARN="dry_run") as shop:
        order = shop.buy(1000)
        await shop.notice(order)
        assert await shop.state(order) == ("dry_run", "")
        assert (await shop.row(order)).target == 10
        order.created_at -= 60
        shop.world.set(FLAG_POINTS_EARN="on")
        await shop.notice(order)
        assert await shop.state(order) == ("ignored", "before")
        assert shop.posted == []


@pytest.mark.parametrize("off", ["FLAG_POINTS_EARN", "FLAG_SMAREGI"])
async def test_with_a_flag_off_nothing_is_noticed_yet_what_was_given_is_taken_back(
    tmp_path: Path, off: str
) -> None:
    async with a_shop(tmp_path) as shop:
        given = shop.buy(1000)
        await shop.notice(given)
        assert shop.balance == 10
        shop.world.set(**{off: "off"})
        new = shop.buy(1000)
        assert not await shop.world.core.points.noticed(new.id)
        shop.orders.cancel(given)
        await shop.notice(given)
        assert shop.balance == 0
        new.created_at -= 60
        await shop.world.core.db.write(lambda db: set_meta(db, "points_first", "0"))
        shop.world.set(**{off: "on"})
        await shop.notice(new)
        assert await shop.state(new) == ("skipped", "off")


async def test_a_percentage_holds_the_others_and_the_allow_list_names_who_goes_first(
    tmp_path: Path,
) -> None:
    async with a_shop(
        tmp_path,
        FLAG_POINTS_EARN_PERCENT="0",
        FLAG_POINTS_EARN_ALLOW="taro@example.com",
    ) as shop:
        other, _ = await shop.sign_up(number=1)
        mine, theirs = shop.buy(1000), shop.buy(1000, customer=other)
        for order in (mine, theirs):
            await shop.notice(order)
        assert await shop.state(mine) == ("given", "")
        assert await shop.state(theirs) == ("held", "flag")


# -- webhooks


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("orders/create", {}),
        ("orders/paid", {"id": None}),
        ("orders/paid", {"id": "9" * 30}),
        ("refunds/create", {"id": 5}),
        ("orders/edited", {"order_edit": {"id": 5}}),
        ("orders/edited", {"id": 5}),
    ],
)
async def test_a_webhook_without_an_orders_id_is_none(
    tmp_path: Path, topic: str, body: dict[str, Any]
) -> None:
    async with a_shop(tmp_path, member=False) as shop:
        assert_problem(await shop.told(topic, body), 400)


async def test_an_order_that_shopify_does_not_show_earns_nothing(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        reply = await shop.told("orders/paid", {"id": 4711})
        assert reply.status == 200
        await shop.rest()
        (row,) = await shop.world.core.db.read(
            lambda db: db.execute("SELECT state, reason FROM points_orders").fetchall()
        )
        assert tuple(row) == ("ignored", "gone")


async def test_orders_are_told_with_ids_alone(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        shop.world.sandbox.shopify.webhooks.pause()
        await shop.hear()
        shop.orders.refund(shop.buy(1000), {0: 1})
        bodies = [delivery.body for delivery in shop.world.sandbox.shopify.webhooks.held]
        assert all(len(body) < 80 for body in bodies)
        shop.world.sandbox.shopify.webhooks.flush()
        await shop.rest()
