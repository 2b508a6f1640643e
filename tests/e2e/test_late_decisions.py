"""A decision that comes late is of what was: it undoes nothing that came meanwhile."""

import asyncio
import time
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
from tests.e2e.lateness import CREATE, FIND, asked_again, hangs, is_hanging, unclear
from tests.registration.deferred.later import LATER, becomes, state_of
from tests.world import World, a_world


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

    async def write(unit: Any, *keys: Any) -> Any:
        if full:
            raise StorageError("SQLITE_FULL", "free some space")
        return await real(unit, *keys)

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
