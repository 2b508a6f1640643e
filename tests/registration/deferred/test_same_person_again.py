"""The same person or the same key again, while a sign-up waits."""

import asyncio

from gateway.sandbox import Fault
from tests.e2e.evidence import (
    assert_problem,
    everything_arrived_once,
    rows_in,
)
from tests.e2e.guests import CREATE
from tests.e2e.trouble.ending import all_delivered, eventually
from tests.registration.deferred.later import (
    becomes,
    comes_back,
    later,
    names_in_shopify,
    waits_for_long,
)
from tests.world import World


async def test_newer_data_takes_the_place_of_what_waits(quick: World) -> None:
    quick.set(GATEWAY_RETRY_SCHEDULE="300")
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    first = await later(quick)
    await waits_for_long(quick)
    second = await later(quick, first_name="次郎")
    assert (first.status, second.status) == (202, 202)
    assert first.body["id"] != second.body["id"]
    assert await rows_in(quick, "intents") == 1
    await comes_back(quick)
    shown = await becomes(quick, second, "complete")
    earlier = await quick.get(first.headers["Location"])
    assert earlier.body == shown.body
    assert names_in_shopify(quick) == [("taro@example.com", "次郎")]
    assert everything_arrived_once(quick)


async def test_newer_data_replaces_what_shopify_took_without_a_word(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("drop", match=CREATE, times=1))
    quick.sandbox.faults.set("shopify", Fault("reset"))
    first = await later(quick)
    await quick.until(lambda: len(quick.sandbox.shopify.customers) == 1)
    second = await later(quick, first_name="次郎")
    while second.status == 409:  # a try of the first was under way
        await asyncio.sleep(0.05)
        second = await later(quick, first_name="次郎")
    assert second.status == 202
    quick.sandbox.faults.clear()
    shown = await becomes(quick, first, "complete")
    assert shown.body["id"] == second.body["id"]
    assert names_in_shopify(quick) == [("taro@example.com", "次郎")]
    await all_delivered(quick)
    assert everything_arrived_once(quick)
    assert await rows_in(quick, "intents") == 0


async def test_newer_data_during_shopifys_call_is_409_in_progress(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("hang", match=CREATE, times=1))
    first = await later(quick)
    await quick.until(lambda: quick.sandbox.faults.listing()["shopify"][-1]["left"] == 0)
    reply = await later(quick, first_name="次郎")
    assert_problem(reply, 409, "in-progress")
    assert int(reply.headers["Retry-After"]) >= 1
    assert (await later(quick)).body == first.body
    quick.sandbox.faults.clear()
    await becomes(quick, first, "complete")
    known = await becomes(quick, await later(quick, first_name="次郎"), "rejected")
    assert known.body["problem"]["type"] == "already-registered"


async def test_the_same_data_again_is_the_same_registration(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    first = await later(quick)
    again = await later(quick)
    assert (again.status, again.raw) == (202, first.raw)
    quick.sandbox.faults.clear()
    await becomes(quick, first, "complete")
    ended = await later(quick)
    assert (ended.status, ended.body["id"]) == (201, first.body["id"])
    assert "Preference-Applied" not in ended.headers
    assert everything_arrived_once(quick)


async def test_whoever_waits_drives_what_was_promised(quick: World) -> None:
    """The same data without the header, while it waits: tried at once, 201."""
    quick.set(GATEWAY_RETRY_SCHEDULE="300")
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    first = await later(quick)
    await waits_for_long(quick)
    stays = await quick.register()
    assert (stays.status, stays.body) == (202, first.body), "what was promised stands"
    assert "Preference-Applied" not in stays.headers
    quick.sandbox.faults.clear()
    reply = await quick.register()
    assert (reply.status, reply.body["id"]) == (201, first.body["id"])
    assert everything_arrived_once(quick)


async def test_newer_data_of_somebody_who_waits_inherits_the_promise(quick: World) -> None:
    quick.set(GATEWAY_RETRY_SCHEDULE="300")
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    first = await later(quick)
    await waits_for_long(quick)
    newer = await quick.register(first_name="次郎")
    assert newer.status == 202
    assert newer.body["id"] != first.body["id"]
    await comes_back(quick)
    await becomes(quick, first, "complete")
    assert names_in_shopify(quick) == [("taro@example.com", "次郎")]


async def test_a_promise_asked_for_beside_a_live_one_outlives_its_failure(quick: World) -> None:
    quick.set(GATEWAY_RESPONSE_DEADLINE="1")
    quick.sandbox.faults.set("shopify", Fault("hang"))
    live = asyncio.create_task(quick.register())
    await quick.until(lambda: quick.sandbox.faults.listing()["shopify"] != [])
    await eventually(lambda: has_rows(quick, "registrations"))
    promised = await later(quick)
    assert promised.status == 202
    reply = await live
    assert (reply.status, reply.body["id"]) == (202, promised.body["id"])
    await comes_back(quick)
    await becomes(quick, promised, "complete")
    assert everything_arrived_once(quick)


async def has_rows(world: World, table: str) -> bool:
    return await rows_in(world, table) > 0


async def test_a_503_before_becomes_a_promise(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("drop", match=CREATE, times=1))
    quick.sandbox.faults.set("shopify", Fault("reset"))
    assert_problem(await quick.register(), 503)
    reply = await later(quick)
    assert reply.status == 202
    quick.sandbox.faults.clear()
    await becomes(quick, reply, "complete")
    assert everything_arrived_once(quick)


# -- Idempotency-Key


async def test_a_202_is_remembered_while_it_waits_and_then_its_end(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    first = await later(quick, key="k1")
    assert "Idempotent-Replayed" not in first.headers
    again = await later(quick, key="k1")
    assert (again.status, again.raw) == (202, first.raw)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert_problem(await later(quick, key="k1", first_name="次郎"), 422)
    await quick.restart()
    assert (await later(quick, key="k1")).raw == first.raw
    quick.sandbox.faults.clear()
    await becomes(quick, first, "complete")
    final = await later(quick, key="k1")
    assert (final.status, final.body["id"]) == (201, first.body["id"])
    replayed = await quick.register(headers={"Idempotency-Key": "k1"})
    assert replayed.raw == final.raw
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert everything_arrived_once(quick)


async def test_a_key_of_replaced_data_ends_with_the_newest(quick: World) -> None:
    quick.set(GATEWAY_RETRY_SCHEDULE="300")
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    first = await later(quick, key="k1")
    await waits_for_long(quick)
    second = await later(quick, key="k2", first_name="次郎")
    assert (await later(quick, key="k1")).raw == first.raw
    await comes_back(quick)
    await becomes(quick, second, "complete")
    assert (await later(quick, key="k1")).body["id"] == second.body["id"]
