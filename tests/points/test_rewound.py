"""Points of a database that was put back to an older day: given once, or for a person."""

import time
from pathlib import Path

import pytest

from gateway.points import keeper
from gateway.store.points import Movement, movements
from tests.points.shop import Shop, a_shop
from tests.points.spending import START, Spender, spending
from tests.rewound import back_up, put_back

AHEAD = 5.0
"""Seconds: Shopify tells times in whole ones."""


async def rewound(shop: Shop, file: Path) -> None:
    await put_back(shop.world, file, now=time.time() + AHEAD)


@pytest.mark.parametrize(("way", "state"), [("transaction", "done"), ("add", "stuck")])
@pytest.mark.parametrize("known", [True, False])
async def test_what_was_moved_since_the_backup_is_not_moved_again_by_itself(
    tmp_path: Path, way: str, state: str, known: bool
) -> None:
    async with a_shop(tmp_path, SMAREGI_POINTS_BY=way) as shop:
        order = shop.buy(1000, 500)
        if known:
            await shop.notice(order)
        await back_up(shop.world, tmp_path / "b.db")
        shop.orders.refund(order, {1: 1})
        await shop.notice(order)
        assert shop.balance == 10
        await rewound(shop, tmp_path / "b.db")
        await shop.notice(order)
        assert shop.balance == 10
        assert [one.state for one in await shop.moved(order)][-1] == state


async def test_once_a_person_has_said_what_became_of_them_the_order_goes_on(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path, SMAREGI_POINTS_BY="add") as shop:
        await back_up(shop.world, tmp_path / "b.db")
        order = shop.buy(1000, 500)
        await shop.notice(order)
        await put_back(shop.world, tmp_path / "b.db", now=float(int(time.time())))
        await shop.notice(order)
        (stuck,) = await shop.moved(order)
        await shop.world.core.points.settle(stuck.id, done=True)
        shop.orders.refund(order, {1: 1})
        await shop.notice(order)
        assert [one.state for one in await shop.moved(order)] == ["done", "done"]
        assert shop.balance == 10


async def test_what_smaregi_never_got_is_sent_after_a_person_has_said_so(tmp_path: Path) -> None:
    async with a_shop(tmp_path, SMAREGI_POINTS_BY="add", FLAG_POINTS_EARN="hold") as shop:
        order = shop.buy(1000)
        await shop.notice(order)
        await back_up(shop.world, tmp_path / "b.db")
        await put_back(shop.world, tmp_path / "b.db", now=float(int(time.time())))
        shop.world.set(FLAG_POINTS_EARN="on")
        await shop.notice(order)
        (stuck,) = await shop.moved(order)
        assert (stuck.state, shop.balance) == ("stuck", 0)
        assert "put back to a backup" in (stuck.message or "")
        await shop.world.core.points.settle(stuck.id, done=False)
        await shop.rest()
        assert [one.state for one in await shop.moved(order)] == ["void", "done"]
        assert shop.balance == 10


async def test_orders_made_after_the_restore_go_by_themselves(tmp_path: Path) -> None:
    async with a_shop(tmp_path, SMAREGI_POINTS_BY="add") as shop:
        await back_up(shop.world, tmp_path / "b.db")
        await put_back(shop.world, tmp_path / "b.db", now=time.time() - AHEAD)
        order = shop.buy(1000)
        await shop.notice(order)
        assert [one.state for one in await shop.moved(order)] == ["done"]


@pytest.mark.parametrize("way", ["transaction", "add"])
@pytest.mark.parametrize("is_used", [True, False])
async def test_of_points_that_were_spent_since_the_backup_none_moves_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, is_used: bool
) -> None:
    monkeypatch.setattr(keeper, "SETTLING", 0.0)
    async with spending(tmp_path, SMAREGI_POINTS_BY=way) as spender:
        shop = spender.shop
        made = await spender.reserve(500)
        await back_up(shop.world, tmp_path / "b.db")
        if is_used:
            await shop.notice(shop.buy(300, codes=[made["code"]]))
        else:
            await spender.delete(made["id"])
        await spender.until(made["id"], "used" if is_used else "released")
        assert shop.balance == (START - 300 if is_used else START)
        await rewound(shop, tmp_path / "b.db")
        assert await spender.state(made["id"]) == "active"
        await spender.expire(made["id"])
        await spender.until(made["id"], "used" if is_used else "released")
        assert shop.balance == (START - 300 if is_used else START)
        (one,) = [each for each in await _moved(spender, made["id"]) if each.points > 0]
        assert one.state == ("done" if way == "transaction" else "stuck")


async def _moved(spender: Spender, reservation_id: int) -> list[Movement]:
    db = spender.shop.world.core.db
    return await db.read(lambda db: movements.of_reservation(db, reservation_id))
