"""Deliveries are replayed and discarded over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.sandbox import Fault
from tests.e2e.evidence import (
    QUICK,
    assert_problem,
    everything_arrived_once,
    fields_of,
)
from tests.e2e.many_deliveries import WRONG, listed, mixed
from tests.world import World, a_world

WRONG_BODIES: list[tuple[str, Any]] = [
    *[(name, value) for name, value in WRONG if name != "cursor"],
    ("limit", 0),
    ("limit", -1),
    ("limit", True),
    ("limit", 1.5),
    ("limit", []),
    ("channel", {"a": 1}),
    ("channel", 5),
    ("outcome", ["failed", 1]),
    ("since", []),
    ("since", {}),
    ("until", 5),
    ("id", "abc"),
    ("id", [1, -2]),
    ("id", {}),
    ("id", []),
    ("channel", ""),
    ("outcome", []),
    ("registration", False),
    ("customer", True),
    ("reason", 5),
]
"""What is no filter is never taken for none, which would mean all."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One delivery waits for a replay: none of these tests may send it."""
    async with a_world(tmp_path_factory.mktemp("owing"), None, **QUICK) as world:
        world.sandbox.faults.set("crm", Fault("reset"))
        await world.register()
        world.sandbox.faults.clear()
        yield world


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "value"), WRONG_BODIES)
async def test_a_wrong_filter_of_a_replay_is_422_and_sends_nothing(
    owing: World, name: str, value: Any
) -> None:
    reply = await owing.post("/v1/deliveries/replay", {name: value})
    await owing.settled()
    assert_problem(reply, 422)
    assert fields_of(reply) == [name]
    assert len(owing.sandbox.hubspot.contacts) == 0


async def test_a_replay_whose_body_is_no_json_is_400(quick: World) -> None:
    assert_problem(await quick.post("/v1/deliveries/replay", [1]), 400)


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({}, 6),
        ({"channel": "crm"}, 3),
        ({"channel": ["crm", "email"]}, 6),
        ({"error_class": "invalid_data"}, 3),
        ({"outcome": "failed"}, 3),
        ({"outcome": "delivered"}, 0),
        ({"limit": 2}, 2),
        ({"until": "2020-01-01"}, 0),
    ],
)
async def test_a_replay_takes_what_its_filter_names_and_says_how_many(
    quick: World, chosen: dict[str, Any], count: int
) -> None:
    await mixed(quick)
    assert await quick.replay(**chosen) == count
    delivered = await listed(quick, "?outcome=delivered")
    assert len(delivered) == 3 + count


async def test_one_delivery_is_replayed_by_its_id(quick: World) -> None:
    await mixed(quick)
    first, second, _ = await listed(quick, "?channel=crm")
    reply = await quick.post(f"/v1/deliveries/{first['id']}/replay")
    assert (reply.status, reply.body) == (202, {"count": 1})
    await quick.settled()
    assert len(quick.sandbox.hubspot.contacts) == 1
    again = await quick.post(f"/v1/deliveries/{first['id']}/replay")
    assert (again.status, again.body) == (202, {"count": 0})
    rows = {row["id"]: row["outcome"] for row in await listed(quick, "?channel=crm")}
    assert (rows[first["id"]], rows[second["id"]]) == ("delivered", "retrying")


async def test_a_discarded_delivery_is_taken_by_no_replay(quick: World) -> None:
    await mixed(quick)
    first, *_ = await listed(quick, "?channel=crm")
    reply = await quick.post(f"/v1/deliveries/{first['id']}/discard")
    assert (reply.status, reply.body) == (202, {"count": 1})
    again = await quick.post(f"/v1/deliveries/{first['id']}/discard")
    assert (again.status, again.body) == (202, {"count": 0})
    assert await quick.replay(channel="crm") == 2
    (kept,) = await listed(quick, "?outcome=discarded")
    assert kept["id"] == first["id"]
    assert len(quick.sandbox.hubspot.contacts) == 2


async def test_what_was_delivered_is_not_discarded(quick: World) -> None:
    await quick.register()
    for row in await listed(quick):
        reply = await quick.post(f"/v1/deliveries/{row['id']}/discard")
        assert reply.body == {"count": 0}
    assert {row["outcome"] for row in await listed(quick)} == {"delivered"}


@pytest.mark.parametrize("what", ["replay", "discard"])
async def test_a_delivery_that_does_not_exist_is_404(quick: World, what: str) -> None:
    for delivery in ("999", "0", "abc", "-1", "9" * 30):
        assert_problem(await quick.post(f"/v1/deliveries/{delivery}/{what}"), 404)


async def test_two_replays_at_once_send_nothing_twice(quick: World) -> None:
    await mixed(quick)
    for _ in range(3):
        assert (await quick.post("/v1/deliveries/replay", {})).status == 202
    await quick.settled()
    assert len(quick.sandbox.hubspot.contacts) == 3
    assert len(quick.sandbox.mail.messages) == 3


async def test_a_registration_shows_what_became_of_it_later(quick: World) -> None:
    quick.sandbox.faults.set("crm", Fault("throttle"))
    quick.sandbox.faults.set("email", Fault("status", status=550))
    reply = await quick.register()
    path = f"/v1/registrations/{reply.body['id']}"
    shown = await quick.get(path)
    assert (shown.status, shown.body) == (200, reply.body)
    assert shown.body["channels"]["crm"]["outcome"] == "retrying"
    assert shown.body["channels"]["email"]["outcome"] == "failed"
    quick.sandbox.faults.clear()
    await quick.replay()
    shown = await quick.get(path)
    assert shown.body["status"] == "complete"
    assert shown.body["channels"]["crm"]["action"] == "created"
    assert "error_class" not in shown.body["channels"]["crm"]
    assert everything_arrived_once(quick)
