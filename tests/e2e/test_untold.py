"""Registered already is only who was told so: a sign-up that ends with a full disk was not."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway import background
from gateway.sandbox import Fault
from tests.e2e.evidence import QUICK
from tests.registration.deferred.later import LATER, becomes
from tests.registration.full_disk import no_answer_is_kept
from tests.world import World, a_world

KEY = {"Idempotency-Key": "k"}
MEMBER, FIND = "POST /customers", "customerByIdentifier"


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Until it is cleared; what could not be kept is not tried again by itself."""
    monkeypatch.setattr(background, "_STORAGE_AGAIN", 600.0)
    return no_answer_is_kept(monkeypatch)


def name(world: World) -> str | None:
    (customer,) = world.sandbox.shopify.customers.values()
    return customer.first_name


@pytest.mark.parametrize("headers", [{}, LATER])
async def test_newer_data_takes_the_place_of_what_nobody_was_told_before_that_is_written_down(
    tmp_path: Path, full: list[str], headers: dict[str, str]
) -> None:
    async with a_world(tmp_path, None, **QUICK) as world:
        assert (await world.register(headers=KEY)).status == 503
        await world.until(lambda: "free_key" in full)  # nor can this be kept
        full.clear()
        newer = await world.register(first_name="次郎", headers=headers)
        if headers:
            newer = await becomes(world, newer, "complete", "partial")
        assert newer.status in {200, 201}
        assert name(world) == "次郎"


async def test_other_data_waits_for_the_answer_that_is_just_being_given(
    tmp_path: Path, full: list[str]
) -> None:
    async with a_world(tmp_path, None, **QUICK) as world:
        first, other = await _beside_each_other(world)
        full.clear()
        world.sandbox.faults.clear()
        await world.until(first.done)
        assert (first.result().status, (await other).status) == (201, 409)
        assert name(world) == "太郎"


async def test_other_data_is_taken_once_the_answer_before_it_could_not_be_given(
    tmp_path: Path, full: list[str]
) -> None:
    async with a_world(tmp_path, None, **QUICK) as world:
        first, other = await _beside_each_other(world)
        world.sandbox.faults.clear()
        await world.until(first.done)
        full.clear()
        assert first.result().status == 503
        assert (await other).status in {201, 503}
        assert (await world.register(first_name="次郎")).status == 201
        assert name(world) == "次郎"


async def test_so_it_is_where_the_other_data_was_answered_202(
    tmp_path: Path, full: list[str]
) -> None:
    async with a_world(tmp_path, None, **QUICK) as world:
        first, other = await _beside_each_other(world, LATER)
        world.sandbox.faults.clear()
        await world.until(first.done)
        full.clear()
        assert first.result().status == 503
        await becomes(world, await other, "complete", "partial")
        assert name(world) == "次郎"


async def _beside_each_other(
    world: World, headers: dict[str, str] | None = None
) -> tuple[asyncio.Task[Any], asyncio.Task[Any]]:
    world.sandbox.faults.set("smaregi", Fault("hang", match=MEMBER, times=1))
    first = asyncio.create_task(world.register(headers=KEY))
    await world.until(lambda: world.sandbox.faults.listing()["smaregi"][-1]["left"] == 0)
    other = asyncio.create_task(world.register(first_name="次郎", headers=headers))
    await world.until(lambda: world.sandbox.journal.of("shopify", FIND))
    return first, other
