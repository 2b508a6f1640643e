"""What recovery takes over, what it leaves, and when something is in doubt."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.registration import recovery
from gateway.sandbox import Fault
from tests.e2e.evidence import QUICK
from tests.e2e.lateness import CREATE, asked_again, hangs, is_hanging
from tests.registration.deferred.later import state_of
from tests.world import World, a_world


async def never_created(world: World) -> str:
    """A sign-up whose create was lost on its way."""
    world.sandbox.faults.set("shopify", Fault("reset", match=CREATE))
    reply = await world.register()
    assert reply.status == 503, reply.body
    return str(reply.body["registration_id"])


@pytest.fixture
async def eager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(recovery, "_SOON", 0.02)
    async with a_world(tmp_path, None, **QUICK) as world:
        yield world


async def test_recovery_takes_over_nobody_elses_customer(eager: World) -> None:
    """Somebody made one with that e-mail in Shopify's admin meanwhile."""
    identity = await never_created(eager)
    eager.sandbox.shopify.add_customer(email="taro@example.com")
    await asked_again(eager)
    assert await state_of(eager, identity) == "unclear"
    assert await eager.deliveries() == []


async def test_recovery_drops_what_stayed_unclear_for_too_long(
    eager: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "KEEP_ASKING", 0.0)
    identity = await never_created(eager)
    async with asyncio.timeout(30):
        while await state_of(eager, identity) == "unclear":
            await asyncio.sleep(0.02)
    intents = "SELECT count(*) FROM intents"
    assert await eager.core.db.read(lambda db: db.execute(intents).fetchone()[0]) == 0


async def test_recovery_leaves_a_live_registration_alone_however_long_it_takes(
    eager: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hangs(eager, CREATE)
    waiting = asyncio.create_task(eager.register())
    await is_hanging(eager)
    monkeypatch.setattr(eager.live, "clock", lambda: time.time() + 60)
    await eager.core.recovery._round()
    (identity,) = eager.core.registrar._running
    assert await state_of(eager, identity) == "open"
    eager.sandbox.faults.clear()
    assert (await waiting).status == 201


async def test_what_a_dead_owner_had_begun_is_unclear_to_the_next(world: World) -> None:
    reply = await world.register()
    await world.core.db.write(
        lambda db: db.execute(
            "UPDATE registrations SET state = 'open', updated_at = ?", (time.time(),)
        )
    )
    await world.core.recovery.take_over()
    assert await state_of(world, reply.body["id"]) == "unclear"


async def test_a_clear_failure_does_not_make_clear_what_an_earlier_try_left(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, None, **QUICK) as world:
        identity = await never_created(world)
        world.sandbox.faults.clear()
        world.sandbox.faults.set("shopify", Fault("refuse"))
        again = await world.register()
        assert (again.status, again.body["registration_id"]) == (503, identity)
        assert await state_of(world, identity) == "unclear"


async def test_a_registration_that_is_cancelled_half_way_is_in_doubt(world: World) -> None:
    await hangs(world, CREATE)
    waiting = asyncio.create_task(world.register())
    await is_hanging(world)
    ((identity, running),) = world.core.registrar._running.items()
    running.cancel()
    await asyncio.wait({running})
    assert await state_of(world, identity) == "unclear"
    world.sandbox.faults.clear()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_caller_who_hangs_up_cancels_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the server does with a request whose connection is gone."""
    real, callers = world.core.registrar.register, list[asyncio.Task[Any]]()

    async def register(sign_up: Any) -> Any:
        callers.append(asyncio.create_task(real(sign_up)))
        return await callers[-1]

    monkeypatch.setattr(world.core.registrar, "register", register)
    await hangs(world, CREATE)
    waiting = asyncio.create_task(world.register())
    await is_hanging(world)
    callers[0].cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    world.sandbox.faults.clear()
    await world.settled()
    assert len(world.sandbox.shopify.customers) == 1
    assert {d.outcome for d in await world.deliveries()} == {"delivered"}
