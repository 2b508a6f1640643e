"""Who gets the points of an order: guests, customers who are no members yet, merged customers."""

from pathlib import Path

from tests.points.shop import a_shop


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
