"""The master fails: 503 and nothing sent, or a lost answer that is found again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import Fault, SandboxOptions, ShopifyOptions
from tests.e2e.evidence import (
    QUICK,
    AlertBox,
    assert_problem,
    everything_arrived_once,
    personal_data_in,
    rows_in,
    started_quietly,
    told,
)
from tests.e2e.guests import CREATE
from tests.world import TARO, World, a_world


def graphql(*codes: str, data: Any = None) -> Fault:
    """Errors inside a 200."""
    errors = [{"message": f"{TARO['email']}!", "extensions": {"code": code}} for code in codes]
    return Fault("status", status=200, body={"data": data, "errors": errors})


FAILURES: dict[str, tuple[Fault, str]] = {
    "refused": (Fault("refuse"), "connection"),
    "reset": (Fault("reset"), "connection"),
    "hang": (Fault("hang"), "timeout"),
    "401": (Fault("status", status=401), "auth"),
    "403": (Fault("status", status=403), "auth"),
    "423": (Fault("status", status=423), "unavailable"),
    "429": (Fault("status", status=429), "rate_limit"),
    "430": (Fault("status", status=430), "rate_limit"),
    "500": (Fault("status", status=500), "unavailable"),
    "503": (Fault("status", status=503, body="<html>Sorry</html>"), "unavailable"),
    "garbage": (Fault("garbage"), "unexpected"),
    "half a body": (Fault("half"), "connection"),
    "not an answer": (Fault("status", status=200, body=[]), "unexpected"),
    "no payload": (Fault("status", status=200, body={"data": {CREATE: None}}), "unexpected"),
    "access denied": (graphql("ACCESS_DENIED", data={CREATE: None}), "auth"),
    "error in a 200": (graphql("INTERNAL_SERVER_ERROR"), "unavailable"),
    "throttled beyond the deadline": (Fault("throttle"), "rate_limit"),
}


@pytest.mark.parametrize(("fault", "error_class"), FAILURES.values(), ids=FAILURES.keys())
async def test_shopify_failing_is_503_nothing_is_sent_and_administrators_are_told(
    impatient: World, alerts: AlertBox, fault: Fault, error_class: str
) -> None:
    impatient.sandbox.faults.set("shopify", fault)
    reply = await impatient.register()
    assert_problem(reply, 503)
    assert int(reply.headers["Retry-After"]) >= 1
    assert told(impatient) == []
    assert await impatient.deliveries() == []
    await impatient.until(lambda: alerts.about("Shopify", error_class))
    assert personal_data_in(" ".join(alerts.texts) + reply.raw.decode()) == []
    impatient.sandbox.faults.clear()
    again = await impatient.register()
    assert again.status == 201, again.raw
    await impatient.until(lambda: everything_arrived_once(impatient))
    await impatient.settled()
    assert [d.outcome for d in await impatient.deliveries()] == ["delivered"] * 3
    assert await rows_in(impatient, "intents") == 0


async def test_shopify_down_since_the_start_is_503_too(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, **QUICK) as world:
        await started_quietly(world)
        await world.stop()
        world.sandbox.faults.set("shopify", Fault("refuse"))
        await world.start()
        assert_problem(await world.register(), 503)
        assert (await world.get("/readyz")).status == 200
        world.sandbox.faults.clear()
        assert (await world.register()).status == 201


async def test_a_wait_that_shopify_asks_for_is_handed_on(quick: World) -> None:
    wait = {"Retry-After": "7"}
    quick.sandbox.faults.set("shopify", Fault("status", status=429, headers=wait))
    assert (await quick.register()).headers["Retry-After"] == "7"


async def test_an_hour_of_waiting_for_points_is_503_at_once(tmp_path: Path) -> None:
    options = SandboxOptions(shopify=ShopifyOptions(restore=0.01))
    async with a_world(tmp_path, options, **QUICK) as world:
        await started_quietly(world)
        world.sandbox.shopify.bucket.drain()
        began = asyncio.get_running_loop().time()
        assert_problem(await world.register(), 503)
        assert asyncio.get_running_loop().time() - began < 5
        assert told(world) == []


async def test_throttled_briefly_is_waited_out_from_the_numbers_in_the_answer(
    quick: World,
) -> None:
    quick.sandbox.faults.set("shopify", Fault("throttle", match=CREATE, times=1, retry_after=0.2))
    reply = await quick.register()
    assert reply.status == 201, reply.raw
    throttled, taken = quick.sandbox.journal.of("shopify", CREATE)
    assert (throttled.applied, taken.applied) == (False, True)
    assert 0.05 <= taken.time - throttled.time < 1.0


async def test_a_drained_bucket_is_waited_for_without_being_throttled_again(quick: World) -> None:
    await quick.register(number=1)
    quick.sandbox.shopify.bucket.drain()
    assert (await quick.register(number=2)).status == 201
    throttled = [e for e in quick.sandbox.journal.of("shopify", CREATE) if not e.applied]
    assert len(throttled) <= 1


async def test_the_answer_comes_by_the_deadline_though_a_call_may_take_longer(
    tmp_path: Path,
) -> None:
    settings = {"GATEWAY_UPSTREAM_TIMEOUT": "8", "GATEWAY_RESPONSE_DEADLINE": "1"}
    async with a_world(tmp_path, None, **settings) as world:
        await started_quietly(world)
        world.sandbox.faults.set("shopify", Fault("hang"))
        began = asyncio.get_running_loop().time()
        reply = await world.register()
        assert asyncio.get_running_loop().time() - began < 4
        assert_problem(reply, 503)
        world.sandbox.faults.clear()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop", match=CREATE, times=1),
        Fault("half", match=CREATE, times=1),
        Fault("status", status=500, match=CREATE, times=1, applied=True),
        Fault("garbage", match=CREATE, times=1, applied=True),
        Fault("reset", match=CREATE, times=1, applied=True),
        Fault("slow", match=CREATE, times=1, delay=1.2),
        Fault("late", match=CREATE, times=1, delay=0.2),
    ],
    ids=["drop", "half", "500", "garbage", "reset", "slow", "late"],
)
async def test_a_lost_answer_is_found_again_by_our_own_id(impatient: World, fault: Fault) -> None:
    impatient.sandbox.faults.set("shopify", fault)
    reply = await impatient.register()
    assert reply.status == 201, reply.raw
    assert reply.body["shopify_action"] == "created"
    assert everything_arrived_once(impatient)
    assert len(impatient.sandbox.journal.of("shopify", CREATE)) == 1


async def test_a_customer_who_comes_after_the_503_is_finished_and_never_created_again(
    quick: World,
) -> None:
    quick.sandbox.faults.set("shopify", Fault("late", match=CREATE, times=1, delay=2.5))
    reply = await quick.register()
    assert_problem(reply, 503)
    assert told(quick) == []
    assert (await quick.get(f"/v1/registrations/{reply.body['registration_id']}")).status == 404
    await quick.until(lambda: everything_arrived_once(quick))
    await quick.settled()
    shown = await quick.get(f"/v1/registrations/{reply.body['registration_id']}")
    assert shown.status == 200
    assert shown.body["status"] == "complete"
    assert len(quick.sandbox.journal.of("shopify", CREATE)) == 1
    assert await rows_in(quick, "intents") == 0
