"""Generated requests over all routes: no 5xx, nothing breaks, memory stays flat, after a restart
too.
"""

import asyncio
import gc
import logging
from pathlib import Path

import aiohttp
import pytest

from tests.attacks.generated import Request, requests
from tests.e2e.evidence import personal_data_in
from tests.world import World

AT_ONCE = 8


def resident() -> int:
    """MiB of this process, the stand-ins included."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 // 2**20


async def flood(world: World, seed: int, count: int) -> dict[int, int]:
    """How often each status was answered; 0 for a connection that was cut."""
    found: dict[int, int] = {}
    waiting = list(requests(seed, count))

    async def send(request: Request) -> int:
        try:
            async with world.session.request(
                request.method, world.url + request.path, data=request.body, headers=request.headers
            ) as response:
                await response.read()
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.status < 500, request
                return response.status
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError, ValueError):
            return 0

    async def one_after_the_other() -> None:
        while waiting:
            status = await send(waiting.pop())
            found[status] = found.get(status, 0) + 1

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return found


async def withstand(world: World, seed: int, count: int) -> None:
    found = await flood(world, seed, count)
    assert sum(found.values()) == count
    assert found.get(0, 0) < count / 20, found
    assert len(found) > 6, found
    assert (await world.get("/healthz")).status == 200


async def test_generated_requests_break_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.set(GATEWAY_RATE_LIMIT="100000")
    await withstand(world, 1, 200)
    await world.restart()
    await withstand(world, 2, 200)
    assert (await world.register(number=500)).status == 201
    assert [record for record in caplog.records if record.exc_info] == []
    assert not personal_data_in(caplog.text.replace("example.com>", ""))


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_10_000_generated_requests_leave_the_memory_flat(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    world.set(GATEWAY_RATE_LIMIT="100000")
    await withstand(world, 3, 2000)
    sizes = []
    for seed in range(4, 8):
        await withstand(world, seed, 2000)
        world.sandbox.journal.clear()
        caplog.clear()
        gc.collect()
        sizes.append(resident())
        await world.restart()
    assert sizes[-1] - sizes[0] < 24, sizes
