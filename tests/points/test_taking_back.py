"""Points that cannot be taken back at once, and whose they are after a merge or an erasure."""

from pathlib import Path

import pytest

from gateway.store import members
from gateway.store.points import movements
from tests.duplicates.mending import store_member, told
from tests.points.shop import a_shop

pytestmark = pytest.mark.usefixtures("impatient")


async def test_points_that_are_spent_are_taken_back_once_there_are_some_again(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path) as shop:
        order = shop.buy(2000)
        await shop.notice(order)
        shop.smaregi.sale(shop.member, spend_point=15)
        shop.orders.cancel(order)
        await shop.notice(order)
        assert shop.balance == 0
        row = await shop.row(order)
        assert (row.state, row.target, row.lacking) == ("given", 0, 15)
        assert row.due_at is not None
        await shop.notice(order)
        assert (await shop.row(order)).lacking == 15, "read again with nothing there"
        await shop.notice(shop.buy(1000))
        await shop.world.core.points.worker.round()
        await shop.rest()
        assert shop.balance == 0
        assert (await shop.row(order)).lacking == 5
        await shop.notice(shop.buy(3000))
        await shop.world.core.points.worker.round()
        await shop.rest()
        assert shop.balance == 25
        row = await shop.row(order)
        assert (row.lacking, row.lacking_since, row.due_at) == (0, None, None)


async def test_a_merge_waits_for_points_under_way_and_what_is_taken_back_is_the_survivors(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path) as shop:
        order = shop.buy(1000)
        await shop.notice(order)
        survivor = store_member(shop.world, customerCode="SURV", mailAddress="s@example.jp")
        merge = shop.world.core.member_merge
        (one,) = await shop.moved(order)
        await shop.world.core.db.write(
            lambda db: db.execute(
                "UPDATE points_movements SET state = 'sent' WHERE id = ?", (one.id,)
            )
        )
        refused = await told(merge.merge(shop.member, survivor, survivor))
        assert refused.code == 1
        assert "points list" in refused.text
        await shop.world.core.db.write(lambda db: movements.settle(db, one.id, "done", 0.0))
        assert (await told(merge.merge(shop.member, survivor, survivor))).code == 0
        assert shop.smaregi.members[survivor]["point"] == "10"
        shop.orders.cancel(order)
        await shop.notice(order)
        assert shop.smaregi.members[survivor]["point"] == "0"


async def test_an_erased_customers_orders_are_forgotten(tmp_path: Path) -> None:
    from gateway.store import erasure

    async with a_shop(tmp_path) as shop:
        order = shop.buy(1000)
        await shop.notice(order)
        await shop.world.core.db.write(lambda db: erasure.wipe(db, shop.customer))
        left = await shop.world.core.db.read(
            lambda db: db.execute(
                "SELECT count(*) FROM points_orders UNION ALL SELECT count(*) FROM points_movements"
            ).fetchall()
        )
        assert [row[0] for row in left] == [0, 0]
        assert (
            await shop.world.core.db.read(lambda db: members.get_meta(db, "points_proven")) == "1"
        )
