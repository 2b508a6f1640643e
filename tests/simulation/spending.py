"""Scenario: customers reserve points, use the codes in orders, give them back or forget them, while
tills move points, webhooks get lost, systems fail and the gateway is killed.

At rest each reservation has taken what orders used of it, less what is lacking; every code has
ended; and the balance is what it was at first with all that tills and orders moved.
"""

import asyncio
from math import ceil
from random import Random
from typing import Any

from gateway.sandbox.shopify.orders import Order
from tests.simulation import trouble
from tests.simulation.earning import (
    Books,
    change,
    off,
    opened,
    quick,
    till,
)
from tests.simulation.network import Fate
from tests.simulation.process import NOBODY, Reply
from tests.simulation.rest import at_rest
from tests.simulation.weather import Rule
from tests.simulation.world import World

__all__ = ["play"]

_MEMO = "オンラインポイント利用 "


async def play(world: World) -> None:
    dice = world.dice
    world.settings |= {
        "FLAG_EMAIL": "off",
        "FLAG_CRM": "off",
        "FLAG_POINTS_EARN": dice.choice(("on", "off")),
        "FLAG_POINTS_SPEND": "on",
        "POINTS_STORE_ID": "1",
        "POINTS_RESERVATION_MINUTES": "5",
    }
    with quick():
        customers, books = await opened(world)
        world.shopify.orders.discounts.limit_lags = dice.choice((0.0, 0.0, 3.0))
        world.hook_lost = dice.choice((0.0, 0.0, 0.2, 0.9))
        async with asyncio.TaskGroup() as group:
            if dice.random() < 0.3:
                group.create_task(_forget(world))
            if dice.random() < 0.3:
                group.create_task(_snatch(world, books, Random(dice.random())))
            if dice.random() < 0.7:
                group.create_task(trouble.some(world, 20.0))
            for customer in customers:
                group.create_task(_shop(world, books, customer, Random(dice.random())))
            if dice.random() < 0.5:
                group.create_task(till(world, books, Random(dice.random())))
        world.set(FLAG_POINTS_SPEND=dice.choice(("on", "off", "hold")))
        await asyncio.sleep(30.0 if world.hook_lost else 1.0)
        await at_rest(world)
        books.judge()
        _judge(world, books.orders)


async def _forget(world: World) -> None:
    """An answer is lost, and the ledger cannot be asked about it."""
    lost = Fate(0.02, 0.04, "cut")
    world.weather.rules.append(Rule("smaregi", "POST /transactions", lambda _: lost))
    if await world.while_asked("POST /transactions", 40.0):
        failing = Fate(0.0, 0.05, "status", applied=False, status=500)
        world.weather.rules.append(Rule("smaregi", "GET /transactions", lambda _: failing, 2))


async def _snatch(world: World, books: Books, dice: Random) -> None:
    """A till takes a member's points right after they were looked at."""
    await world.while_asked("GET /customers/point", 8.0)
    await asyncio.sleep(0.3 * dice.random())
    for member in books.members:
        balance = int(world.smaregi.members[member]["point"] or "0")
        world.smaregi.sale(member, 0, max(0, balance - dice.choice((0, 10, 100))))


async def _shop(world: World, books: Books, customer: int, dice: Random) -> None:
    """Some reservations, one after the other or beside each other, and what becomes of them."""
    for number in range(dice.randint(1, 3)):
        await asyncio.sleep(dice.choice((0.0, 1.0, 8.0, 25.0)) * dice.random())
        reply = await _reserve(world, customer, f"{customer} {number}", dice)
        if reply.status == 201:
            await _spend(world, books, customer, reply.body, dice)


async def _reserve(world: World, customer: int, key: str, dice: Random) -> Reply:
    """As a storefront does: the same key again while it does not know."""
    points, reply = dice.choice((1, 30, 120, 290, 5000)), NOBODY
    path = f"/v1/customers/{customer}/points/reservations"
    for _ in range(dice.randint(1, 4)):
        reply = await world.ask("POST", path, {"points": points}, {"Idempotency-Key": key})
        if reply.status not in {0, 202, 503}:
            break
        await asyncio.sleep(dice.choice((0.1, 2.0)))
    if reply.status == 201:
        if "Idempotent-Replayed" not in (reply.headers or {}):
            taken = _taken(world, reply.body["id"])
            if taken != points:
                world.find("points", f"a code for {points} points, of which {taken} were taken")
        made = world.shopify.orders.discounts.by_code(reply.body["code"])
        if made is None or made.amount != points or made.customers != {customer}:
            world.find("points", f"there is no such code: {points} of {customer}")
    return reply


async def _spend(
    world: World, books: Books, customer: int, reserved: dict[str, Any], dice: Random
) -> None:
    path = f"/v1/customers/{customer}/points/reservations/{reserved['id']}"
    await asyncio.sleep(dice.choice((0.0, 1.0, 18.0)) * dice.random())
    orders = world.shopify.orders
    if dice.random() < 0.3:
        world.spawn(world.ask("DELETE", path))
        await asyncio.sleep(dice.choice((0.0, 0.05, 1.0)) * dice.random())
    if dice.random() < 0.35:
        return
    for _ in range(dice.choice((1, 1, 2))):
        if orders.discounts.may_use(reserved["code"], customer) is None:
            return
        lines = [
            orders.line(dice.choice((80, 500, 1234)), dice.randint(1, 3))
            for _ in range(dice.randint(1, 2))
        ]
        order = orders.place(customer, lines, paid=dice.random() < 0.8, codes=[reserved["code"]])
        books.follow(order)
        world.spawn(_later(world, books, order, Random(dice.random())))


async def _later(world: World, books: Books, order: Order, dice: Random) -> None:
    for _ in range(dice.randint(0, 3)):
        await asyncio.sleep(dice.choice((0.0, 0.3, 3.0, 8.0)) * dice.random())
        change(world, order, dice)
        books.follow(order)
    if order.payments and order.outstanding > 0:
        world.shopify.orders.pay(order)
        books.follow(order)


def _judge(world: World, orders: list[Order]) -> None:
    held = world.disk.image.execute(
        "SELECT id, code, points, state, lacking FROM points_reservations"
    ).fetchall()
    for number, code, points, state, lacking in held:
        taken = _taken(world, number)
        used = sum(_used(order, code) for order in orders)
        if taken != used - lacking:
            world.find(
                "points",
                f"reservation {number} ({state}) of {points}: {taken} taken, {used} used, "
                f"{lacking} lacking",
            )
        made = world.shopify.orders.discounts.by_code(code)
        if made is not None and made.status(world.wall()) == "ACTIVE":
            world.find("points", f"the code of reservation {number} ({state}) has not ended")
    known = {f"{_MEMO}{row[0]}" for row in held}
    for row in world.smaregi.transactions.rows.values():
        if row["memo"].startswith(_MEMO) and row["memo"] not in known:
            world.find("points", f"points were moved for nobody: {row['memo']}")
    codes = {row[1] for row in held}
    for made in world.shopify.orders.discounts.rows.values():
        if made.code not in codes:
            world.find("points", "there is a code of nobody's")


def _taken(world: World, reservation_id: int) -> int:
    """By the store's ledger."""
    rows = world.smaregi.transactions.rows.values()
    own = [row for row in rows if row["memo"] == f"{_MEMO}{reservation_id}"]
    return sum(int(row["spendPoint"]) - int(row["newPoint"]) for row in own)


def _used(order: Order, code: str) -> int:
    if order.cancelled_at is not None:
        return 0
    return ceil(off(order, code))
