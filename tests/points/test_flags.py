"""Flags of points earned: held, tried, off, and what was before."""

import time
from pathlib import Path

import pytest

from gateway.store.members import set_meta
from tests.points.shop import a_shop


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
