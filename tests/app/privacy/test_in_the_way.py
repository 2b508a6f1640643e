"""What is in the way of an erasure, and what is given up with it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.app import privacy
from gateway.errors import Unreachable
from gateway.http.control import control_application
from gateway.outcomes import Kind, Outcome
from gateway.sandbox import Fault
from gateway.store import links, removals
from gateway.store.events import NewEvent
from tests.app.privacy.traces import EMAIL, count, log_of, signed_up, systems, tables_with
from tests.duplicates.mending import store_member
from tests.e2e.trouble.ending import eventually
from tests.registration.deferred.later import later, state_of, waits_for_long
from tests.world import World


async def test_a_sign_up_under_way_is_waited_for_and_then_goes_too(world: World) -> None:
    world.sandbox.delays["crm"] = 0.3
    running = asyncio.create_task(world.register())
    await world.until(lambda: world.sandbox.shopify.customers)
    (customer,) = world.sandbox.shopify.customers
    done = await world.core.privacy.erase(str(customer))
    assert done["in_the_way"] == []
    assert (await running).status == 201
    assert await tables_with(world, customer) <= {"members"}


async def test_what_does_not_end_is_in_the_way_and_nothing_is_erased(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "PATIENCE", 0.0)
    world.sandbox.faults.set("crm", Fault("status", status=503))
    customer = await signed_up(world)
    (late,) = await world.deliveries(outcomes=(Outcome.RETRYING,))

    def claim(db: Any) -> None:
        db.execute("UPDATE deliveries SET claimed_version = version WHERE id = ?", (late.id,))

    await world.core.db.write(claim)
    before = await world.core.privacy.show(EMAIL)
    done = await world.core.privacy.erase(EMAIL)
    assert done["in_the_way"] == ["an attempt to send them is under way"]
    after = await world.core.privacy.show(EMAIL)
    assert count(after)["deliveries"] == count(before)["deliveries"]
    assert [each.action for each in await log_of(world)] == ["privacy_show"] * 2
    assert customer


async def test_an_open_delivery_is_given_up_with_the_rest(world: World) -> None:
    world.sandbox.faults.set("crm", Fault("status", status=400))
    customer = await signed_up(world)
    assert (await world.core.privacy.erase(str(customer)))["in_the_way"] == []
    world.sandbox.faults.clear()
    assert await world.replay() == 0
    assert world.sandbox.hubspot.contacts == {}


async def test_a_sign_up_that_waits_for_its_turn_is_given_up(world: World) -> None:
    world.set(GATEWAY_RETRY_SCHEDULE="300")
    world.sandbox.faults.set("shopify", Fault("refuse"))
    reply = await later(world)
    await waits_for_long(world)
    found = await world.core.privacy.show(reply.body["id"])
    assert count(found) == {"intents": 1, "registrations": 1}
    done = await world.core.privacy.erase(reply.body["id"])
    assert done["erased"] == {"intents": 1, "registrations": 1}
    assert await state_of(world, reply.body["id"]) is None
    world.sandbox.faults.clear()
    world.core.deferred.wake()
    await world.settled()
    assert world.sandbox.shopify.customers == {}


async def test_a_result_that_is_not_known_yet_is_in_the_way(world: World) -> None:
    """Shopify may have the customer, and only the sign-up's own data say whom to ask for."""
    world.set(GATEWAY_RETRY_SCHEDULE="300")
    world.sandbox.faults.set("shopify", Fault("refuse"))
    reply = await later(world)
    await waits_for_long(world)
    await world.core.db.write(lambda db: db.execute("UPDATE registrations SET doubt = 1"))
    done = await world.core.privacy.erase(reply.body["id"])
    assert ["not known yet" in each for each in done["in_the_way"]] == [True]
    assert await state_of(world, reply.body["id"]) == "waiting"


async def test_with_shopify_down_an_id_is_enough(world: World) -> None:
    customer = await signed_up(world)
    world.sandbox.faults.set("shopify", Fault("status", status=503))
    shown = await world.core.privacy.show(EMAIL)
    assert shown["unasked"] == ["shopify"]
    assert count(shown)["links"] == 3
    with pytest.raises(Unreachable, match="Nothing was done"):
        await world.core.privacy.erase(EMAIL)
    done = await world.core.privacy.erase(str(customer))
    assert ("shopify", "unknown") in systems(done)
    assert done["erased"]["links"] == 3


async def test_who_has_another_e_mail_now_is_not_erased_by_the_old_one(world: World) -> None:
    customer = await signed_up(world)
    world.sandbox.shopify.customers[customer].email = "hanako@example.com"
    done = await world.core.privacy.erase(EMAIL)
    assert done["other_customers"] == [f"gid://shopify/Customer/{customer}"]
    assert done["erased"] == {}
    names = tuple(world.core.deliverer.routes)
    kept = await world.core.db.read(lambda db: links.of_customers(db, names, [customer]))
    assert len(kept) == 3


async def test_who_is_known_by_a_proof_alone_is_found_by_e_mail(world: World) -> None:
    """The sign-up is older than what is kept of it."""
    customer = await signed_up(world)

    def forget(db: Any) -> None:
        db.execute("DELETE FROM deliveries")
        db.execute("DELETE FROM registrations")
        db.execute("DELETE FROM members")

    await world.core.db.write(forget)
    world.sandbox.faults.set("shopify", Fault("status", status=503))
    shown = await world.core.privacy.show(EMAIL)
    assert shown["shopify_customer_ids"] == [f"gid://shopify/Customer/{customer}"]


async def test_a_removal_that_waits_is_in_the_way_with_what_decides_it(world: World) -> None:
    customer = await signed_up(world)
    await world.core.db.write(lambda db: removals.hold(db, customer, 0.0))
    await world.core.events.keep(NewEvent("shopify:x", "shopify", "customers/data", customer))
    done = await world.core.privacy.erase(str(customer))
    (text,) = done["in_the_way"]
    assert f"`removals confirm --id {customer}`" in text
    await world.core.removals.drop([customer])
    assert (await world.core.privacy.erase(str(customer)))["in_the_way"] == []
    assert await tables_with(world, customer) <= {"members", "events"}


async def test_who_is_just_leaving_the_channels_is_erased_once_they_have_left(
    world: World,
) -> None:
    """Deleted in Shopify: only the rows say which records are theirs."""
    customer = await signed_up(world)
    world.sandbox.shopify.delete_customer(customer)
    world.sandbox.faults.set("crm", Fault("status", status=400, match="DELETE"))
    await world.core.erasure.remove(customer)

    async def refused() -> bool:
        found = await world.deliveries(channels=("crm",), kinds=(Kind.REMOVAL,))
        return [each.outcome for each in found] == [Outcome.FAILED]

    await eventually(refused)
    done = await world.core.privacy.erase(str(customer))
    (text,) = [each for each in done["in_the_way"] if "out of crm" in each]
    assert f"`deliveries discard --customer {customer} --kind removal`" in text
    world.sandbox.faults.clear()
    await world.replay()
    done = await world.core.privacy.erase(str(customer))
    assert done["in_the_way"] == []
    assert {each["table"] for each in done["left"]} <= {"removals", "members", "actions"}
    assert [each for each in world.sandbox.hubspot.contacts.values() if not each.archived] == []


async def test_shopifys_own_order_comes_first(world: World) -> None:
    customer = await signed_up(world)
    await world.core.events.stop()
    order = NewEvent("shopify:r", "shopify", "customers/redact", customer)
    await world.core.events.keep(order)
    done = await world.core.privacy.erase(str(customer))
    (text,) = done["in_the_way"]
    assert "`customers/redact` about them waits" in text


async def test_a_store_member_with_the_e_mail_is_told_though_nobody_signed_up(
    world: World,
) -> None:
    member = store_member(world)
    await world.core.smaregi.index.start_scan()
    shown = await world.core.privacy.show(EMAIL)
    assert (shown["shopify_customer_ids"], count(shown)) == ([], {"members": 1})
    assert shown["elsewhere"] == [{"system": "smaregi", "record": str(member), "state": "there"}]
    assert "smaregi" in shown["how"]


@pytest.fixture
async def control(world: World) -> AsyncIterator[TestClient[Any, Any]]:
    app = control_application(world.core, asyncio.Event(), lambda: False)
    async with TestClient(TestServer(app)) as client:
        yield client


WRONG: list[Any] = [None, "", 7, "x" * 400, "nobody", "@", "9" * 25]


async def test_who_is_not_named_is_not_looked_for(
    world: World, control: TestClient[Any, Any]
) -> None:
    for what in ("show", "erase"):
        for person in WRONG:
            body = {"person": person}
            async with control.post(f"/control/privacy/{what}", json=body) as response:
                assert response.status == 409, person
                assert "Name" in (await response.json())["detail"]
    assert await log_of(world) == []
    world.sandbox.faults.set("shopify", Fault("status", status=503))
    async with control.post("/control/privacy/erase", json={"person": EMAIL}) as response:
        assert response.status == 502
