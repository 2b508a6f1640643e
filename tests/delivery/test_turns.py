"""Whose turn it is: one hand at a customer's record, one probe at a channel, one owner a member."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.delivery.circuit import CircuitState
from gateway.delivery.turns import Turn, Turns
from gateway.errors import ErrorClass
from gateway.outcomes import Delivery
from gateway.sandbox import Fault
from tests.duplicates.mending import customer_of, member, store_member, told
from tests.world import World

# -- the turn of a customer and a channel


async def nothing_written(world: World, system: str) -> None:
    await asyncio.sleep(0.15)
    assert world.sandbox.journal.writes(system) == []


async def test_an_attempt_waits_for_whoever_has_the_turn_of_its_customer_and_channel(
    world: World,
) -> None:
    customer = customer_of(await world.register())
    world.sandbox.journal.clear()
    async with world.core.delivery.preparation.turn("smaregi", customer):
        changing = asyncio.create_task(
            world.patch(f"/v1/customers/{customer}", {"last_name": "佐藤"})
        )
        await nothing_written(world, "smaregi")
    assert (await changing).channel("smaregi")["outcome"] == "delivered"
    assert len(world.sandbox.journal.writes("smaregi")) == 1


async def taken(turns: Turns, name: str, order: list[str], *, held: asyncio.Event) -> None:
    async with Turn(turns, "smaregi", 7):
        order.append(name)
        await held.wait()


async def test_whoever_waits_for_a_turn_has_it_in_the_order_in_which_they_came() -> None:
    turns, order, held = Turns(), list[str](), asyncio.Event()
    all_of_them = [asyncio.create_task(taken(turns, n, order, held=held)) for n in "abc"]
    await asyncio.sleep(0)
    assert order == ["a"]
    async with Turn(turns, "email", 7), Turn(turns, "smaregi", 8):
        held.set()
    await asyncio.gather(*all_of_them)
    assert order == ["a", "b", "c"]
    assert not turns, "nothing is kept of a turn that nobody has"


@pytest.mark.parametrize("when", ["while it waits", "just as its turn comes"])
async def test_a_turn_whose_waiting_ended_before_it_goes_to_the_next(when: str) -> None:
    turns, order, held = Turns(), list[str](), asyncio.Event()
    held.set()
    async with Turn(turns, "smaregi", 7):
        second, third = (asyncio.create_task(taken(turns, n, order, held=held)) for n in "bc")
        await asyncio.sleep(0)
        if when == "while it waits":
            second.cancel()
            await asyncio.wait([second])
    second.cancel()
    await asyncio.wait([second, third])
    assert second.cancelled()
    assert order == ["c"]
    assert not turns


async def test_unlinking_waits_for_whoever_has_the_turn_of_its_customer_and_channel(
    world: World,
) -> None:
    customer = customer_of(await world.register())
    world.sandbox.journal.clear()
    async with world.core.delivery.preparation.turn("smaregi", customer):
        unlinking = asyncio.create_task(told(world.core.linking.unlink(customer, new_member=False)))
        await nothing_written(world, "smaregi")
    assert (await unlinking).code == 0


async def test_a_patch_waits_for_the_change_of_its_customer_that_is_under_way(
    world: World,
) -> None:
    customer = customer_of(await world.register())
    world.sandbox.journal.clear()
    async with world.core.profile_changes.turn(customer):
        changing = asyncio.create_task(
            world.patch(f"/v1/customers/{customer}", {"last_name": "佐藤"})
        )
        await nothing_written(world, "shopify")
    assert (await changing).status == 200


async def test_a_member_whose_number_is_another_customers_is_not_linked(world: World) -> None:
    """No link says so: the number alone does, and that they exist in Shopify."""
    owner = world.sandbox.shopify.add_customer(email="hanako@example.com")
    taken = store_member(world, customerCode=str(owner.id))
    reply = await world.register()
    assert reply.channel("smaregi")["error_class"] == "conflict", reply.body
    assert member(world, taken)["customerCode"] == str(owner.id)


# -- an attempt that is not made, and one that somebody else has taken over


async def failed_at_the_crm(world: World) -> Delivery:
    world.sandbox.faults.set("crm", Fault("status", status=400))
    await world.register()
    world.sandbox.faults.clear()
    (delivery,) = await world.deliveries(channels=("crm",))
    return delivery


async def test_a_probe_that_is_not_made_is_another_ones(world: World) -> None:
    """The delivery has changed since its customer was read."""
    delivery = await failed_at_the_crm(world)
    circuit = world.core.deliverer.routes["crm"].circuit
    circuit.cause = ErrorClass.UNAVAILABLE
    customers = await world.core.shopify.read([delivery.customer_id])
    older = replace(delivery, version=delivery.version - 1)
    made = await world.core.deliverer.again(older, customers[delivery.customer_id])
    assert made is None
    assert await circuit.admit() is CircuitState.HALF_OPEN


async def test_a_delivery_that_a_live_change_took_over_stays_busy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = await failed_at_the_crm(world)
    deliverer = world.core.deliverer

    async def taken_over(*_: Any, **__: Any) -> None:
        deliverer._live.add(delivery.id)

    monkeypatch.setattr(deliverer, "_again", taken_over)
    await deliverer.again(delivery, None)
    assert delivery.id in deliverer.busy
    deliverer._free([delivery.id])
