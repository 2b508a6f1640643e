"""An intent is gone for good within seconds: not a byte of it is in the database's files."""

import asyncio
from pathlib import Path

import pytest

from gateway.sandbox import Fault
from tests.e2e.evidence import PERSONAL
from tests.e2e.trouble.ending import eventually
from tests.world import World

WITHIN = 3.0
OURS = "example.com"
"""Also the shop's own domain, and so a part of each Message-ID that is kept."""
TRACES = [trace.encode() for trace in PERSONAL if trace != OURS] + [b"taro@"]


async def sealed(world: World) -> list[bytes]:
    """The intents that wait, as their rows hold them."""
    return await world.core.db.read(
        lambda db: [row[0] for row in db.execute("SELECT sealed FROM intents")]
    )


async def the_sealed_one(world: World) -> bytes:
    async with asyncio.timeout(30):
        while not (found := await sealed(world)):
            await asyncio.sleep(0.01)
    return found[0]


def traces(folder: Path, wanted: list[bytes]) -> list[tuple[str, bytes]]:
    files = [path for path in folder.glob("gateway.db*") if path.is_file()]
    assert len(files) >= 2
    return [(f.name, trace) for f in files for trace in wanted if trace in f.read_bytes()]


async def wiped(world: World, intent: bytes) -> None:
    """Within seconds no sixteen bytes of it are left, nor anything personal."""
    wanted = [intent[at : at + 16] for at in range(0, len(intent) - 16, 16)] + TRACES

    async def gone() -> bool:
        return traces(world.folder, wanted) == []

    try:
        await eventually(gone, WITHIN)
    except TimeoutError:
        raise AssertionError(traces(world.folder, wanted)) from None


@pytest.mark.parametrize("end", ["accepted", "refused"])
async def test_an_intent_is_wiped_from_the_files_once_shopify_has_answered(
    world: World, end: str
) -> None:
    if end == "refused":
        world.sandbox.shopify.add_customer(email="taro@example.com", state="ENABLED")
    world.sandbox.delays["shopify"] = 0.3
    waiting = asyncio.create_task(world.register())
    intent = await the_sealed_one(world)
    assert traces(world.folder, [intent[:64]]), "it was in the files: the search can find it"
    reply = await waiting
    assert reply.status == (201 if end == "accepted" else 409)
    await wiped(world, intent)


async def test_an_intent_that_stayed_unclear_is_wiped_once_it_is_resolved(world: World) -> None:
    world.set(GATEWAY_RESPONSE_DEADLINE="1")
    world.sandbox.faults.set("shopify", Fault("late", delay=1.5, match="customerCreate"))
    assert (await world.register()).status == 503
    intent = await the_sealed_one(world)
    world.sandbox.faults.clear()
    await world.until(lambda: len(world.sandbox.mail.messages) == 1)
    await wiped(world, intent)


async def test_no_personal_data_lies_in_the_files_while_a_registration_waits(world: World) -> None:
    world.sandbox.delays["shopify"] = 0.3
    waiting = asyncio.create_task(world.register())
    await the_sealed_one(world)
    assert traces(world.folder, TRACES) == []
    await waiting
