"""Scenario: orders are placed, paid, edited, refunded and cancelled, while tills move points,
webhooks get lost, systems fail and the gateway is killed.

At rest each member has what they began with, what tills moved, and what their orders earn; and no
order ever got more than it was worth at some time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

from gateway.points import ORDER_TOPICS, keeper, passes, reserving, sender, worker
from gateway.sandbox.shopify.orders import Order
from gateway.sandbox.shopify.records import WebhookSubscription
from tests.points import buying
from tests.points.law import Kept, Moved, astray, points_of, worth_of
from tests.simulation import trouble
from tests.simulation.judge import Person
from tests.simulation.rest import at_rest
from tests.simulation.sign_ups import sign_up
from tests.simulation.world import URL, World
from tests.world import registration

__all__ = ["START", "Books", "a_customer", "play", "quick", "subscribe", "till"]

START = 300


@contextmanager
def quick() -> Iterator[None]:
    """Longer than any late request of the weather, and no hours until a pass."""
    edges: list[tuple[Any, str, float]] = [
        (sender, "PATIENCE", 14.0),
        (worker, "_LONGEST", 8.0),
        (passes, "FIRST_AFTER", 6.0),
        (passes, "EVERY", 20.0),
        (passes, "AGAIN_AFTER", 5.0),
        (keeper, "PATIENCE", 14.0),
        (keeper, "SETTLING", 15.0),
        (keeper, "_READ_AGAIN", 5.0),
        (keeper, "_COUNTED_FOR", 60.0),
        (reserving, "_MINUTE", 4.0),
    ]
    old = [(module, name, getattr(module, name)) for module, name, _ in edges]
    for module, name, value in edges:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in old:
            setattr(module, name, value)


async def play(world: World) -> None:
    dice = world.dice
    world.settings |= {
        "FLAG_EMAIL": "off",
        "FLAG_CRM": "off",
        "FLAG_POINTS_EARN": dice.choice(("on", "on", "on", "hold")),
        "POINTS_STORE_ID": "1",
    }
    with quick():
        customers, books = await opened(world)
        await asyncio.sleep(dice.choice((0.0, 2.0)))
        world.hook_lost = dice.choice((0.0, 0.0, 0.2, 0.9))
        async with asyncio.TaskGroup() as group:
            if dice.random() < 0.7:
                group.create_task(trouble.some(world, 12.0))
            for _ in range(dice.randint(1, 3)):
                buyer = dice.choice(customers)
                group.create_task(_buy(world, books, buyer, Random(dice.random())))
            if dice.random() < 0.5:
                group.create_task(till(world, books, Random(dice.random())))
        world.set(FLAG_POINTS_EARN="on")
        await asyncio.sleep(30.0 if world.hook_lost else 1.0)
        await at_rest(world)
        books.judge()


async def opened(world: World) -> tuple[list[int], "Books"]:
    """The shop and the store run, and two people are members; what they should have."""
    dice = world.dice
    world.hook_delay = (0.01, dice.choice((0.5, 5.0)))
    world.hook_twice = dice.choice((0.0, 0.3))
    await world.start()
    subscribe(world)
    people = [Person(f"p{n}@example.com", f"090-1{n:03}-5678") for n in range(2)]
    customers = [await a_customer(world, person) for person in people]
    books = Books(world)
    rule = dice.random() < 0.5  # what no document says: whether the same again is refused
    ledger = world.smaregi.transactions
    ledger.options = replace(ledger.options, tuple_rule=rule)
    return customers, books


def subscribe(world: World) -> None:
    world.subscribe()
    store = world.shopify.store
    for topic in ORDER_TOPICS:
        made = WebhookSubscription(
            store.new_id(), topic, f"{URL}/webhooks/shopify", "JSON", world.wall(), world.wall()
        )
        store.subscriptions[made.id] = made


async def a_customer(world: World, person: Person) -> int:
    """Registered, and a member with some points."""
    body = registration(email=person.email, phone=person.phone)
    while (await sign_up(world, person, body, key=None)).status != 201:
        await asyncio.sleep(1.0)
    made = world.shopify.store.by_email(person.email)
    assert made is not None
    while (member := world.smaregi.members.with_code(str(made.id))) is None:
        await asyncio.sleep(1.0)
    world.smaregi.give(member, START)
    return made.id


async def _buy(world: World, books: "Books", customer: int, dice: Random) -> None:
    """An order, and what becomes of it."""
    await asyncio.sleep(dice.choice((0.0, 1.0, 8.0)) * dice.random())
    orders = world.shopify.orders
    order = buying.place(orders, customer, dice)
    books.follow(order)
    for _ in range(dice.randint(0, 4)):
        await asyncio.sleep(dice.choice((0.0, 0.3, 3.0, 10.0)) * dice.random())
        buying.change(orders, order, dice)
        books.follow(order)
    buying.settle(orders, order)
    books.follow(order)
    world.say(f"order {order.id}: {order.financial_status} {order.total} {order.net_payment}")


async def till(world: World, books: "Books", dice: Random) -> None:
    for _ in range(dice.randint(1, 6)):
        await asyncio.sleep(4.0 * dice.random())
        member = dice.choice(books.members)
        balance = int(world.smaregi.members[member]["point"] or "0")
        used = min(balance, dice.choice((0, 10, 250, 1000)))
        world.smaregi.sale(member, dice.choice((0, 10, 40)), used)


class Books:
    """What members should have, by what the shop and the tills know alone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._earns = world.settings["FLAG_POINTS_EARN"] != "off"
        self.members = [
            number
            for customer in world.shopify.customers
            if (number := world.smaregi.members.with_code(str(customer))) is not None
        ]
        self._most: dict[int, int] = defaultdict(int)
        self.orders: list[Order] = []
        desk = world.smaregi._points
        post = desk.post

        def watched(*given: Any) -> Any:
            answer = post(*given)
            self._watch()
            return answer

        vars(desk)["post"] = watched

    def follow(self, order: Order) -> None:
        if order not in self.orders:
            self.orders.append(order)
        self._most[order.id] = max(self._most[order.id], worth_of(order))

    def _watch(self) -> None:
        moved = Moved(self._world.smaregi.transactions.rows.values())
        for order in self.orders:
            given, most = moved.for_order(order.id), self._most[order.id]
            if not 0 <= given <= most:
                self._world.find("points", f"order {order.id} got {given}, worth {most} at most")

    def judge(self) -> None:
        world = self._world
        rows = world.smaregi.transactions.rows.values()
        kept = Kept.read(world.disk.image)
        shop, now = world.shopify.orders, world.wall()

        def members_of(customer: int) -> list[int]:
            found = world.smaregi.members.with_code(str(customer))
            return [] if found is None else [found]

        for wrong in astray(shop, Moved(rows), kept, members_of, now, earns=self._earns):
            world.find("points", wrong.text)
        for member in self.members:
            moved = sum(points_of(row) for row in rows if row["customerId"] == str(member))
            if int(world.smaregi.members[member]["point"] or "0") != START + moved:
                world.find("points", f"member {member}: the ledger and the balance differ")
