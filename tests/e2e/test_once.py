"""A registration has its effect once: idempotency keys, and the same person again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import Fault
from tests.e2e.asking_again import CREATE, creates, key
from tests.e2e.evidence import (
    assert_problem,
    everything_arrived_once,
)
from tests.world import Reply, World, a_world

KEY_A, KEY_B = "key-of-storefront-a", "key-of-storefront-b"


async def under_way(world: World, **sent: Any) -> "asyncio.Task[Reply]":
    """A registration that hangs in Shopify until the faults are cleared."""
    before = creates(world)
    world.sandbox.faults.set("shopify", Fault("hang", match=CREATE, times=1))
    task = asyncio.create_task(world.register(**sent))
    await world.until(lambda: world.sandbox.faults.listing()["shopify"][-1]["left"] == 0)
    assert creates(world) == before
    return task


async def test_the_same_key_and_body_give_the_same_answer_byte_for_byte(quick: World) -> None:
    first = await quick.register(headers=key("k1"))
    assert first.status == 201
    assert "Idempotent-Replayed" not in first.headers
    entries = len(quick.sandbox.journal)
    again = await quick.register(headers=key("k1"))
    assert (again.status, again.raw) == (201, first.raw)
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(quick.sandbox.journal) == entries


async def test_a_remembered_answer_stays_what_it_was_though_a_channel_follows(
    quick: World,
) -> None:
    quick.sandbox.faults.set("crm", Fault("reset"))
    first = await quick.register(headers=key("k1"))
    quick.sandbox.faults.clear()
    assert await quick.replay() == 1
    again = await quick.register(headers=key("k1"))
    assert again.raw == first.raw
    assert everything_arrived_once(quick)


async def test_a_remembered_answer_survives_a_restart(quick: World) -> None:
    first = await quick.register(headers=key("k1"))
    await quick.restart()
    again = await quick.register(headers=key("k1"))
    assert again.raw == first.raw
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_the_same_body_written_otherwise_is_the_same(quick: World) -> None:
    first = await quick.register(headers=key("k1"), email="TARO@EXAMPLE.COM ")
    assert first.status == 201
    again = await quick.register(headers=key("k1"), email="taro@example.com")
    assert again.status in {201, 422}
    assert creates(quick) == 1


async def test_the_same_key_with_another_body_is_422(quick: World) -> None:
    await quick.register(number=1, headers=key("k1"))
    entries = len(quick.sandbox.journal)
    assert_problem(await quick.register(number=2, headers=key("k1")), 422)
    assert len(quick.sandbox.journal) == entries


async def test_a_key_with_a_different_email_verified_is_another_body(quick: World) -> None:
    await quick.register(headers=key("k1"), email_verified=False)
    assert_problem(await quick.register(headers=key("k1"), email_verified=True), 422)


async def test_a_key_that_is_under_way_is_409_in_progress(quick: World) -> None:
    going = await under_way(quick, headers=key("k1"))
    reply = await quick.register(headers=key("k1"))
    assert_problem(reply, 409, "in-progress")
    assert int(reply.headers["Retry-After"]) >= 1
    quick.sandbox.faults.clear()
    first = await going
    assert first.status == 201
    again = await quick.register(headers=key("k1"))
    assert again.raw == first.raw


async def test_a_503_frees_the_key(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    assert_problem(await quick.register(number=1, headers=key("k1")), 503)
    quick.sandbox.faults.clear()
    reply = await quick.register(number=2, headers=key("k1"))
    assert reply.status == 201
    assert "Idempotent-Replayed" not in reply.headers


@pytest.mark.parametrize("refused", [{"email": "x"}, {"address": {"address1": "🍣"}}])
async def test_a_422_frees_the_key(quick: World, refused: dict[str, Any]) -> None:
    assert_problem(await quick.register(headers=key("k1"), **refused), 422)
    assert (await quick.register(headers=key("k1"))).status == 201


async def test_409_already_registered_is_remembered(quick: World) -> None:
    customer = quick.sandbox.shopify.add_customer(email="taro@example.com", state="ENABLED")
    first = await quick.register(headers=key("k1"))
    assert_problem(first, 409, "already-registered")
    quick.sandbox.shopify.delete_customer(customer.id)
    again = await quick.register(headers=key("k1"))
    assert (again.status, again.raw) == (409, first.raw)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Content-Type"] == "application/problem+json"
    assert creates(quick) == 1


async def test_409_in_progress_is_not_remembered(quick: World) -> None:
    going = await under_way(quick)
    other = await quick.register(headers=key("k1"), first_name="次郎", email="taro@example.com")
    assert_problem(other, 409, "in-progress")
    quick.sandbox.faults.clear()
    assert (await going).status == 201
    assert (await quick.register(headers=key("k1"))).status == 201


async def test_keys_belong_to_an_api_key(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, GATEWAY_API_KEYS=f"{KEY_A},{KEY_B}") as world:
        mine, theirs = ({"Authorization": f"Bearer {k}"} for k in (KEY_A, KEY_B))
        first = await world.register(number=1, headers=key("k1", **mine))
        second = await world.register(number=2, headers=key("k1", **theirs))
        assert (first.status, second.status) == (201, 201)
        assert "Idempotent-Replayed" not in second.headers
        again = await world.register(number=2, headers=key("k1", **theirs))
        assert again.raw == second.raw


# -- the same person again


async def test_a_double_click_is_one_customer_and_both_hear_of_it(quick: World) -> None:
    replies = await asyncio.gather(*(quick.register() for _ in range(5)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body["id"] for reply in replies}) == 1
    assert creates(quick) == 1
    assert everything_arrived_once(quick)
    assert len(quick.sandbox.mail.messages) == 1


async def test_a_double_click_with_a_key_each_is_one_customer_too(quick: World) -> None:
    replies = await asyncio.gather(*(quick.register(headers=key(f"k{n}")) for n in range(3)))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body["id"] for reply in replies}) == 1
    assert creates(quick) == 1
    for number, reply in enumerate(replies):
        again = await quick.register(headers=key(f"k{number}"))
        assert again.raw == reply.raw
        assert again.headers["Idempotent-Replayed"] == "true"


async def test_the_same_person_later_hears_how_that_registration_stands(quick: World) -> None:
    quick.sandbox.faults.set("crm", Fault("reset"))
    first = await quick.register()
    assert first.body["status"] == "partial"
    quick.sandbox.faults.clear()
    await quick.replay()
    again = await quick.register()
    assert (again.status, again.body["id"]) == (201, first.body["id"])
    assert again.body["status"] == "complete"
    assert creates(quick) == 1


async def test_an_email_in_other_letters_is_the_same_person(quick: World) -> None:
    first = await quick.register()
    again = await quick.register(email=" TARO@Example.com")
    assert again.status == 201, again.raw
    assert again.body["id"] == first.body["id"]
    assert creates(quick) == 1


async def test_after_a_day_the_same_person_is_already_registered(quick: World) -> None:
    await quick.register()
    day = 86_401
    await quick.core.db.write(
        lambda db: db.execute("UPDATE registrations SET updated_at = updated_at - ?", (day,))
    )
    assert_problem(await quick.register(), 409, "already-registered")
    assert everything_arrived_once(quick)


async def test_the_same_email_with_other_data_under_way_is_409_in_progress(quick: World) -> None:
    going = await under_way(quick)
    reply = await quick.register(first_name="次郎", email="Taro@example.com")
    assert_problem(reply, 409, "in-progress")
    assert int(reply.headers["Retry-After"]) >= 1
    quick.sandbox.faults.clear()
    assert (await going).status == 201
    assert creates(quick) == 1


async def test_a_double_click_that_fails_tells_both_and_a_third_try_works(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("refuse"))
    replies = await asyncio.gather(quick.register(), quick.register())
    assert {reply.status for reply in replies} == {503}
    quick.sandbox.faults.clear()
    assert (await quick.register()).status == 201
    assert everything_arrived_once(quick)
