"""A 503 although Shopify created the customer: by itself or by the next request it ends well."""

from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import Fault
from tests.e2e.asking_again import CREATE, creates, key
from tests.e2e.evidence import (
    QUICK,
    assert_problem,
    everything_arrived_once,
    rows_in,
    started_quietly,
    told,
)
from tests.world import Reply, World, a_world


async def told_503_though_applied(world: World, **sent: Any) -> Reply:
    """Shopify made the customer, its answer was lost, and it could not be looked up either."""
    world.sandbox.faults.set(
        "shopify",
        Fault("drop", match=CREATE, times=1),
        Fault("status", status=500, match="customerByIdentifier"),
    )
    reply = await world.register(**sent)
    assert_problem(reply, 503)
    assert len(world.sandbox.shopify.customers) == 1
    assert told(world) == []
    # Two looks before the answer and one right after it; the next is due in a second.
    await world.until(lambda: len(world.sandbox.journal.of("shopify", "customerByI")) >= 3)
    return reply


@pytest.mark.parametrize("headers", [{}, key("k1")], ids=["without a key", "with a key"])
async def test_it_finishes_that_registration_by_itself(
    quick: World, headers: dict[str, str]
) -> None:
    reply = await told_503_though_applied(quick, headers=headers)
    quick.sandbox.faults.clear()
    await quick.until(lambda: everything_arrived_once(quick))
    await quick.settled()
    shown = await quick.get(f"/v1/registrations/{reply.body['registration_id']}")
    assert (shown.status, shown.body["status"]) == (200, "complete")
    assert creates(quick) == 1


async def test_the_same_data_again_finish_that_registration(quick: World) -> None:
    failed = await told_503_though_applied(quick, headers=key("k1"))
    quick.sandbox.faults.clear()
    again = await quick.register(headers=key("k1"))
    assert (again.status, again.body["shopify_action"]) == (201, "created")
    assert again.body["id"] == failed.body["registration_id"]
    await quick.until(lambda: everything_arrived_once(quick))
    assert creates(quick) == 1


async def test_a_typo_mended_meanwhile_wins(quick: World) -> None:
    await told_503_though_applied(quick, first_name="太朗")
    quick.sandbox.faults.clear()
    mended = await quick.register(first_name="太郎")
    assert mended.status == 201, mended.raw
    await quick.until(lambda: everything_arrived_once(quick))
    await quick.settled()
    (customer,) = quick.sandbox.shopify.customers.values()
    assert customer.first_name == "太郎"
    (member,) = quick.sandbox.smaregi.members.values()
    assert member["firstName"] == "太郎"
    (contact,) = quick.sandbox.hubspot.contacts.values()
    assert contact.properties["firstname"] == "太郎"
    assert await rows_in(quick, "intents") == 0


async def test_a_typo_mended_after_the_lost_customer_was_found_wins_too(quick: World) -> None:
    """Nobody was told of success: to the caller the first try is still a failure."""
    await told_503_though_applied(quick, first_name="太朗")
    quick.sandbox.faults.clear()
    await quick.until(lambda: everything_arrived_once(quick))
    await quick.settled()
    mended = await quick.register(first_name="太郎")
    assert mended.status == 201, mended.raw
    (customer,) = quick.sandbox.shopify.customers.values()
    assert customer.first_name == "太郎"
    await quick.settled()
    (member,) = quick.sandbox.smaregi.members.values()
    assert member["firstName"] == "太郎"


async def test_what_the_mended_data_take_back_is_gone(
    quick: World,
) -> None:
    await told_503_though_applied(quick, accepts_marketing=True)
    quick.sandbox.faults.clear()
    mended = await quick.register(accepts_marketing=False, birth_date=None, gender="unknown")
    assert mended.status == 201
    (customer,) = quick.sandbox.shopify.customers.values()
    assert customer.consent.state != "SUBSCRIBED"
    assert not customer.metafield("facts", "birth_date")
    assert customer.metafield("registration", "gender") in {None, "unknown"}


async def test_the_typo_again_after_it_was_mended_is_already_registered(quick: World) -> None:
    await told_503_though_applied(quick, first_name="太朗")
    quick.sandbox.faults.clear()
    assert (await quick.register(first_name="太郎")).status == 201
    await quick.settled()
    late = await quick.register(first_name="太朗")
    assert_problem(late, 409, "already-registered")
    (customer,) = quick.sandbox.shopify.customers.values()
    assert customer.first_name == "太郎"


async def test_a_mended_email_leaves_nobody_created_that_was_told_had_failed(
    quick: World,
) -> None:
    """The lost customer of the mistyped address stays; neither is created a second time."""
    await told_503_though_applied(quick, email="tarp@example.com")
    quick.sandbox.faults.clear()
    mended = await quick.register(email="taro@example.com", phone=None)
    assert mended.status == 201
    assert creates(quick) == 2
    assert len(quick.sandbox.shopify.customers) == 2


async def test_what_was_resolved_survives_a_restart(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, **QUICK) as world:
        await started_quietly(world)
        reply = await told_503_though_applied(world)
        await world.stop()
        world.sandbox.faults.clear()
        await world.start()
        await world.until(lambda: everything_arrived_once(world))
        await world.settled()
        shown = await world.get(f"/v1/registrations/{reply.body['registration_id']}")
        assert shown.body["status"] == "complete"
        assert creates(world) == 1
