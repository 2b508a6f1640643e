"""Real processes that are halted, killed, and cut off from their database."""

import asyncio
import signal

import pytest

from tests.standby.gateways import until
from tests.standby.machines import Machines, everybody

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
async def found(found: Machines) -> Machines:
    """Of two."""
    await found.start()
    await found.start()
    return found


async def signed_up(found: Machines, *numbers: int) -> None:
    await asyncio.gather(*(found.register(number, seconds=90) for number in numbers))


async def test_one_that_is_halted_in_the_middle_writes_nothing_when_it_goes_on(
    found: Machines,
) -> None:
    halted = await found.active()
    working = asyncio.create_task(signed_up(found, *range(1, 9)))
    await until(lambda: found.sandbox.shopify.customers)
    halted.send(signal.SIGSTOP)
    await working
    halted.send(signal.SIGCONT)
    assert await halted.ended() == 1
    assert "has taken this one's place" in halted.log
    await until(lambda: everybody(found) == [8, 8, 8], 90)


async def test_one_that_is_killed_is_followed_and_loses_nothing(found: Machines) -> None:
    for round_ in range(2):
        killed = await found.active()
        first = 10 * round_ + 1
        working = asyncio.create_task(signed_up(found, *range(first, first + 8)))
        await until(lambda: len(found.sandbox.shopify.customers) > 8 * round_)  # noqa: B023
        killed.send(signal.SIGKILL)
        await working
        del found.urls[killed]
        await found.start()
    await until(lambda: everybody(found) == [16, 16, 16], 90)


async def test_nobody_takes_anybodys_place_while_the_database_is_away(found: Machines) -> None:
    active = await found.active()
    await signed_up(found, 1)
    await asyncio.to_thread(found.cluster.stop)
    await asyncio.sleep(30)
    await asyncio.to_thread(found.cluster.start)
    await signed_up(found, 2)
    assert await found.active() is active
    assert all(process.code is None for process in found.urls)
    await until(lambda: everybody(found) == [2, 2, 2], 90)
