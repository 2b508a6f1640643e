"""Scenario: customers reserve points, use the codes in orders, give them back or forget them, while
tills move points, webhooks get lost, systems fail and the gateway is killed.

At rest each reservation has taken what orders used of it, less what is lacking; every code has
ended; and the balance is what it was at first with all that tills and orders moved.
"""

import asyncio
from random import Random
from typing import Any

from gateway.sandbox.shopify.orders import Order
from tests.points import buying
from tests.points.law import Moved
from tests.simulation import trouble
from tests.simulation.earning import Books, opened, quick, till
from tests.simulation.network import Fate
from tests.simulation.process import NOBODY, Reply
from tests.simulation.rest import at_rest
from tests.simulation.weather import Rule
from tests.simulation.world import World

__all__ = ["play"]


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
    path, rows = f"/v1/customers/{customer}/points/reservations", world.smaregi.transactions.rows
    for _ in range(dice.randint(1, 4)):
        reply = await world.ask("POST", path, {"points": points}, {"Idempotency-Key": key})
        if reply.status not in {0, 202, 503}:
            break
        await asyncio.sleep(dice.choice((0.1, 2.0)))
    if reply.status == 201:
        if "Idempotent-Replayed" not in (reply.headers or {}):
            taken = Moved(rows.values()).taken_for(reply.body["id"])
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
        order = buying.place_with(orders, customer, reserved["code"], dice)
        if order is None:
            return
        books.follow(order)
        world.spawn(_later(world, books, order, Random(dice.random())))


async def _later(world: World, books: Books, order: Order, dice: Random) -> None:
    for _ in range(dice.randint(0, 3)):
        await asyncio.sleep(dice.choice((0.0, 0.3, 3.0, 8.0)) * dice.random())
        buying.change(world.shopify.orders, order, dice)
        books.follow(order)
    buying.settle(world.shopify.orders, order)
    books.follow(order)
