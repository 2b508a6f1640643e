"""A customer whom Shopify made a moment ago: nobody can know their number yet."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.channels.smaregi import Smaregi
from tests.channels.works import TARO, a_work
from tests.world import World, a_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path, GATEWAY_AUTO_REPLAY="false") as world:
        await world.until(lambda: smaregi(world).index.ready)
        yield world


def smaregi(world: World) -> Smaregi:
    channel = world.core.deliverer.routes["smaregi"].channel
    assert isinstance(channel, Smaregi)
    return channel


def looks(world: World) -> int:
    """How often Smaregi was asked who has a number."""
    asked = world.sandbox.journal.asked
    return sum(each.system == "smaregi" and "?customer_code" in each.names for each in asked)


async def test_a_new_number_is_not_looked_for_before_the_create(world: World) -> None:
    done = await smaregi(world).deliver(a_work(fresh=True))
    (member,) = world.sandbox.smaregi.members
    assert (done.action, done.reference, looks(world)) == ("created", str(member), 0)


async def test_a_number_that_may_be_known_is_looked_for(world: World) -> None:
    await smaregi(world).deliver(a_work())
    assert looks(world) == 1


async def test_a_member_who_has_a_new_number_all_the_same_is_found_when_the_create_is_refused(
    world: World,
) -> None:
    number = TARO.member_number
    member = world.sandbox.smaregi.add(customerCode=number, lastName="山田", firstName="太郎")
    done = await smaregi(world).deliver(a_work(fresh=True))
    assert list(world.sandbox.smaregi.members) == [member]
    assert (done.reference, done.member_number) == (str(member), number)
