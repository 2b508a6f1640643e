"""Shopify's answers to a create that was carried out, whatever they say: it is looked for."""

from typing import Any

import pytest

from gateway.sandbox import Fault
from tests.e2e.evidence import (
    assert_problem,
    everything_arrived_once,
    fields_of,
    rows_in,
    started_quietly,
)
from tests.world import TARO, World

CREATE = "customerCreate"
DENIED = {"message": "…", "extensions": {"code": "ACCESS_DENIED"}}


def denied(data: Any) -> Fault:
    body = {"data": data, "errors": [DENIED]}
    return Fault("status", status=200, body=body, match=CREATE, times=1, applied=True)


def taken(*path: str, applied: bool) -> Fault:
    error = {"field": ["input", *path], "message": "Value has already been taken"}
    body = {"data": {CREATE: {"customer": None, "userErrors": [error]}}}
    return Fault("status", status=200, body=body, match=CREATE, times=1, applied=applied)


ID = "gid://shopify/Customer/7000000000001"
CARRIED_OUT = {
    **{
        str(status): Fault("status", status=status, match=CREATE, times=1, applied=True)
        for status in (400, 408, 409, 410, 423, 425, 430, 499, 500, 520)
    },
    "denied beside data": denied({CREATE: {"customer": {"id": ID}, "userErrors": []}}),
    "denied beside nothing": denied({CREATE: None}),
    "a value of ours is taken": taken("metafields", "0", "value", applied=True),
}


@pytest.mark.parametrize("fault", CARRIED_OUT.values(), ids=CARRIED_OUT.keys())
async def test_a_create_that_was_carried_out_is_found_and_answered(
    quick: World, fault: Fault
) -> None:
    quick.sandbox.faults.set("shopify", fault)
    reply = await quick.register()
    assert reply.status == 201, reply.raw
    assert everything_arrived_once(quick)
    assert len(quick.sandbox.journal.of("shopify", CREATE)) == 1
    assert await rows_in(quick, "intents") == 0


async def test_a_value_that_is_somebody_elses_stays_422(quick: World) -> None:
    quick.sandbox.shopify.add_customer(email="other@example.com")
    quick.sandbox.faults.set("shopify", taken("metafields", "1", "value", applied=False))
    reply = await quick.register()
    assert_problem(reply, 422)
    assert len(fields_of(reply)) == 1
    assert await rows_in(quick, "intents") == 0


@pytest.mark.parametrize("status", [401, 402, 403, 404, 422, 429])
async def test_what_is_certain_is_not_looked_for(quick: World, status: int) -> None:
    quick.sandbox.faults.set("shopify", Fault("status", status=status, match=CREATE))
    assert_problem(await quick.register(), 503)
    assert quick.sandbox.journal.of("shopify", "customerByIdentifier") == []
    assert await rows_in(quick, "intents") == 0


async def test_a_change_that_shopify_denies_is_not_made_again_and_again(world: World) -> None:
    await started_quietly(world)
    number = (await world.register(email=TARO["email"])).body["member_number"]
    world.sandbox.journal.clear()
    body = {"data": {"customerUpdate": None}, "errors": [DENIED]}
    world.sandbox.faults.set(
        "shopify", Fault("status", status=200, body=body, match="customerUpdate")
    )
    assert_problem(await world.patch(f"/v1/customers/{number}", {"last_name": "佐藤"}), 503)
    assert len(world.sandbox.journal.of("shopify", "customerUpdate")) == 1


async def test_a_token_that_shopify_refuses_with_404_is_auth(world: World) -> None:
    """A wrong store: nobody's data is at fault, and administrators are told of credentials."""
    await started_quietly(world)
    world.set(
        SHOPIFY_ACCESS_TOKEN="", SHOPIFY_CLIENT_ID="sandbox-client", SHOPIFY_CLIENT_SECRET="x"
    )
    world.sandbox.faults.set("shopify", Fault("status", status=404, match="token"))
    reply = await world.register()
    assert_problem(reply, 503)
    assert "credentials" in reply.body["detail"]
    assert await rows_in(world, "intents") == 0


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_member_that_was_made_although_smaregi_refused_it_is_found(
    world: World, status: int
) -> None:
    """What a number that is taken is answered with is not documented."""
    fault = Fault("status", status=status, match="POST /customers", times=1, applied=True)
    world.sandbox.faults.set("smaregi", fault)
    reply = await world.register()
    assert reply.channel("smaregi")["outcome"] == "delivered", reply.body
    assert len(world.sandbox.smaregi.members) == 1
