"""What is kept of points that are spent, for how long, and what `check` proves."""

from pathlib import Path
from random import Random

import pytest

from gateway.points import keeper
from gateway.points.checking import check_spending
from gateway.sandbox import ShopifyOptions, SmaregiOptions
from gateway.sandbox.smaregi.stores import a_store
from gateway.store.points import orders, reservation_steps, reservations
from gateway.store.retention import expire
from tests.points.spending import START, Spender, spending


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a quarter of an hour."""
    monkeypatch.setattr(keeper, "SETTLING", 0.0)


async def checked(spender: Spender) -> tuple[bool, str]:
    core = spender.shop.world.core
    found = await check_spending(core.discounts, core.points.rates)
    return found.ok, found.detail


async def test_check_proves_the_scopes_and_that_points_can_be_used(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        spender.shop.smaregi.stores["1"] = a_store(spendRate="2", pointUseUnit="10")
        assert await checked(spender) == (
            True,
            "codes can be made; 100 points are 200 yen, in units of 10",
        )
    scopes = frozenset({"read_customers", "write_customers", "read_orders", "read_discounts"})
    folder = tmp_path / "scopes"
    folder.mkdir()
    async with spending(folder, shopify=ShopifyOptions(scopes=scopes)) as spender:
        ok, text = await checked(spender)
        assert not ok
        assert "write_discounts" in text
        assert "read_discounts" not in text
        spender.shop.world.sandbox.shopify.scopes.add("write_discounts")


async def test_check_says_that_a_store_does_not_take_points(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        spender.shop.smaregi.stores["1"] = a_store(pointUseDivision="0")
        ok, text = await checked(spender)
        assert not ok
        assert "pointUseDivision" in text


async def test_settled_reservations_go_after_their_time_and_open_ones_stay(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        shop = spender.shop
        released, used = await spender.reserve(100), None
        await spender.delete(released["id"])
        await spender.until(released["id"], "released")
        used = await spender.reserve(100)
        await shop.notice(shop.buy(1000, codes=[used["code"]]))
        await spender.until(used["id"], "used")
        open_ = await spender.reserve(100)
        db, now = shop.world.core.db, shop.world.core.runtime.clock()
        await expire(db.write, now + 1, now + 1)
        left = await db.read(lambda db: reservations.listed(db, None, 0, 10, lacking=False))
        assert [each.id for each in left] == [used["id"], open_["id"]]
        far = now + 500 * 86400
        await expire(db.write, far, far)
        left = await db.read(lambda db: reservations.listed(db, None, 0, 10, lacking=False))
        assert [each.id for each in left] == [open_["id"]]


async def test_orders_are_noticed_while_points_may_be_used_though_they_earn_nothing(
    tmp_path: Path,
) -> None:
    async with spending(tmp_path) as spender:
        points, shop = spender.shop.world.core.points, spender.shop
        assert not await points.noticed(shop.buy(1000).id)
        made = await spender.reserve(100)
        order = shop.buy(1000, codes=[made["code"]])
        assert await points.noticed(order.id)
        await spender.until(made["id"], "used")
        row = await shop.world.core.db.read(lambda db: orders.get(db, order.id))
        assert row is not None
        assert (row.state, row.member_id) == ("skipped", None)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_of_a_thousand_reservations_half_are_abandoned_and_no_point_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservation_steps, "MOST_AN_HOUR", 10_000)
    dice = Random(7)
    quick = ShopifyOptions(bucket=1e7, restore=1e6, search_lag=0.0)
    smaregi = SmaregiOptions(reads_per_second=None, writes_per_second=None)
    limits = {"SMAREGI_READS_PER_SECOND": "1000", "SMAREGI_WRITES_PER_SECOND": "1000"}
    async with spending(tmp_path, smaregi, quick, **limits) as spender:
        shop, spent, sold = spender.shop, 0, 0
        for number in range(1000):
            made = await spender.reserve(dice.randint(1, 50))
            match number % 4:
                case 0:
                    price = dice.choice((20, 1000))
                    order = shop.buy(price, codes=[made["code"]])
                    await shop.world.core.points.noticed(order.id)
                    spent += min(price, made["points"])
                    await spender.until(made["id"], "used")
                case 1:
                    order = shop.buy(1000, codes=[made["code"]])
                    await spender.delete(made["id"])
                    shop.orders.cancel(order)
                    await shop.world.core.points.noticed(order.id)
                    await spender.until(made["id"], "used")
                case _:
                    await spender.expire(made["id"])
                    await spender.until(made["id"], "released")
            if shop.balance < 60:
                shop.smaregi.sale(shop.member, START, 0)
                sold += START
        await shop.rest()
        assert shop.balance == START + sold - spent
        assert sum(points for _, points in shop.posted) == -spent
        numbers = [number for number, _ in shop.posted]
        assert len(numbers) == len(set(numbers))
