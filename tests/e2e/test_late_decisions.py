"""A decision that comes late is of what was: it undoes nothing that came meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway import background
from gateway.errors import StorageError
from gateway.registration import recovery, registrar
from gateway.sandbox import Fault
from gateway.store import registrations
from tests.e2e.evidence import QUICK
from tests.registration.deferred.later import LATER, becomes, state_of
from tests.world import World, a_world

CREATE, FIND = "customerCreate", "customerByIdentifier"


async def hangs(world: World, match: str) -> None:
    """The next request of that name waits until the faults are cleared."""
    world.sandbox.faults.set("shopify", Fault("hang", match=match, times=1))


async def is_hanging(world: World) -> None:
    await world.until(lambda: world.sandbox.faults.listing()["shopify"][-1]["left"] == 0)


async def unclear(world: World, **changes: Any) -> str:
    """A sign-up whose create was carried out and whose answer is lost; recovery's look hangs."""
    world.sandbox.faults.set("shopify", Fault("drop", match=CREATE, times=1))
    world.sandbox.faults.set("shopify", Fault("status", status=500, match=FIND, times=2))
    await hangs(world, FIND)
    reply = await world.register(**changes)
    assert reply.status == 503, reply.body
    await is_hanging(world)
    return str(reply.body["registration_id"])


async def test_recovery_undoes_no_registration_that_was_finished_while_it_looked(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, None, **QUICK) as world:
        identity = await unclear(world)
        again = await world.register()
        assert (again.status, again.body["id"]) == (201, identity)
        looks = len(world.sandbox.journal.of("shopify", FIND))
        world.sandbox.faults.clear()
        await world.until(lambda: len(world.sandbox.journal.of("shopify", FIND)) >= looks + 1)
        await world.settled()
        assert len(world.sandbox.mail.messages) == 1
        row = await world.core.db.read(lambda db: registrations.get(db, identity))
        assert row is not None
        assert row.state == "accepted"
        other = await world.register(first_name="次郎")
        assert (other.status, other.body["type"]) == (409, "already-registered")
        (customer,) = world.sandbox.shopify.customers.values()
        assert customer.first_name == "太郎"


async def test_data_that_newer_data_replaced_is_nobodys_answer_any_more(tmp_path: Path) -> None:
    """Recovery finds the first sign-up's customer, whom nobody was told of; the second takes it."""
    async with a_world(tmp_path, None, **QUICK) as world:
        identity = await unclear(world)
        world.sandbox.faults.clear()
        async with asyncio.timeout(30):
            while await state_of(world, identity) != "accepted":
                await asyncio.sleep(0.02)
        assert (await world.register(first_name="次郎")).status == 201
        again = await world.register()
        assert (again.status, again.body["type"]) == (409, "already-registered")
        (customer,) = world.sandbox.shopify.customers.values()
        assert customer.first_name == "次郎"


async def test_nobody_is_told_of_data_while_newer_data_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look at the same customer, of whom nobody was told: the newer finds it untold."""
    monkeypatch.setattr(registrar, "_JUST_NOW", 0.0)
    async with a_world(tmp_path, None, **QUICK) as world:
        identity = await unclear(world)
        world.sandbox.faults.clear()
        async with asyncio.timeout(30):
            while await state_of(world, identity) != "accepted":
                await asyncio.sleep(0.02)
        await world.until(lambda: world.sandbox.mail.messages and not world.core.deliverer.busy)
        await hangs(world, "nodes")
        same = asyncio.create_task(world.register())
        await is_hanging(world)
        world.sandbox.faults.set("shopify", Fault("slow", delay=1.0, match="customerUpdate"))
        newer = asyncio.create_task(world.register(first_name="次郎"))
        await world.until(lambda: world.sandbox.journal.of("shopify", "customerUpdate"))
        world.sandbox.faults.clear()
        assert ((await same).status, (await newer).status) == (409, 201)
        assert same.result().body["type"] == "in-progress"


async def test_recovery_wipes_no_intent_of_what_was_promised_while_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "KEEP_ASKING", 0.0)
    async with a_world(tmp_path, None, **QUICK) as world:
        world.sandbox.faults.set("shopify", Fault("reset", match=CREATE, times=1))
        world.sandbox.faults.set("shopify", Fault("status", status=500, match=FIND, times=2))
        await hangs(world, FIND)
        first = await world.register()
        assert first.status == 503
        await is_hanging(world)
        world.sandbox.faults.set("shopify", Fault("status", status=503))
        promised = await world.register(headers=LATER)
        assert promised.status == 202
        world.sandbox.faults.clear()
        shown = await becomes(world, promised, "complete", "partial", "rejected")
        assert shown.body["status"] in {"complete", "partial"}, shown.body


async def test_one_that_was_tried_again_is_asked_for_as_long_as_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its minutes begin anew: the second try's request may still be on its way."""
    now = time.monotonic()
    monkeypatch.setattr(recovery, "time", SimpleNamespace(monotonic=lambda: now))
    async with a_world(tmp_path, None, **QUICK) as world:
        world.sandbox.faults.set("shopify", Fault("reset", match=CREATE))
        first = await world.register()
        await asked_again(world)
        now += recovery.KEEP_ASKING - 1
        again = await world.register()
        assert [first.status, again.status] == [503, 503]
        now += 2
        await asked_again(world)
        assert await state_of(world, first.body["registration_id"]) == "unclear"


@pytest.mark.parametrize("state", ["accepted", "rejected", "waiting"])
async def test_only_what_is_on_its_way_becomes_unclear(world: World, state: str) -> None:
    reply = await world.register()

    def unit(db: Any) -> str:
        db.execute("UPDATE registrations SET state = ?", (state,))
        registrations.mark_unclear(db, reply.body["id"], time.time())
        return str(db.execute("SELECT state FROM registrations").fetchone()[0])

    assert await world.core.db.write(unit) == state


# -- a second run of one registration


async def test_a_third_caller_joins_the_second_run(world: World) -> None:
    """The first run's task ends while the second is at it."""
    registrar = world.core.registrar
    await hangs(world, CREATE)
    waiting = asyncio.create_task(world.register())
    await is_hanging(world)
    ((identity, second),) = registrar._running.items()
    first = asyncio.ensure_future(asyncio.sleep(0))
    registrar._ended(identity, first)  # type: ignore[arg-type]
    assert registrar._running == {identity: second}
    world.sandbox.faults.clear()
    assert (await waiting).status == 201
    assert registrar._running == {}


# -- a key whose answer could not be remembered


async def test_a_key_is_free_again_after_a_full_disk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_STORAGE_AGAIN", 0.02)
    real = world.core.db.write
    full = False

    async def write(unit: Any) -> Any:
        if full:
            raise StorageError("SQLITE_FULL", "free some space")
        return await real(unit)

    monkeypatch.setattr(world.core.db, "write", write)
    await hangs(world, CREATE)
    waiting = asyncio.create_task(world.register(headers={"Idempotency-Key": "k"}))
    await is_hanging(world)
    full = True
    world.sandbox.faults.clear()
    assert (await waiting).status == 503
    full = False
    async with asyncio.timeout(30):
        while (again := await world.register(headers={"Idempotency-Key": "k"})).status == 409:
            await asyncio.sleep(0.05)
    assert again.status == 201


# -- somebody who was deleted in Shopify


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "new"}, LATER])
async def test_who_was_deleted_and_signs_up_again_gets_a_customer_who_exists(
    world: World, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    """No webhook told us of it."""
    monkeypatch.setattr(registrar, "_JUST_NOW", 0.0)
    first = await world.register()
    (gone,) = list(world.sandbox.shopify.customers)
    del world.sandbox.shopify.customers[gone]
    again = await world.register(headers=headers)
    if again.status == 202:
        again = await becomes(world, again, "complete", "partial")
    assert again.body["id"] != first.body["id"]
    assert len(world.sandbox.shopify.customers) == 1
    assert str(gone) not in again.body["shopify_customer_id"]
    shown = await world.get(f"/v1/registrations/{first.body['id']}")
    assert shown.status == 200


async def test_who_exists_gets_their_registrations_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrar, "_JUST_NOW", 0.0)
    first = await world.register()
    assert (await world.register()).raw == first.raw
    world.sandbox.faults.set("shopify", Fault("reset"))
    assert (await world.register()).body["id"] == first.body["id"]


# -- what recovery takes over, and what it leaves


async def never_created(world: World) -> str:
    """A sign-up whose create was lost on its way."""
    world.sandbox.faults.set("shopify", Fault("reset", match=CREATE))
    reply = await world.register()
    assert reply.status == 503, reply.body
    return str(reply.body["registration_id"])


async def asked_again(world: World) -> None:
    """Until recovery has looked once more, and acted on it."""
    before = len(world.sandbox.journal.of("shopify", FIND))
    await world.until(lambda: len(world.sandbox.journal.of("shopify", FIND)) > before + 1)


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
