"""What is held about one person: shown, erased here, and what is left elsewhere."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.app import privacy
from gateway.errors import Unreachable
from gateway.http.control import control_application
from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from gateway.store import actions, links, removals
from gateway.store.events import NewEvent
from tests.duplicates.mending import customer_of, store_member
from tests.e2e.evidence import personal_data_in
from tests.registration.deferred.later import later, state_of, waits_for_long
from tests.world import World, registration

EMAIL = "taro@example.com"


async def signed_up(world: World, number: int = 0) -> int:
    reply = await world.register(registration(number), headers={"Idempotency-Key": f"{number}"})
    await world.settled()
    return customer_of(reply)


async def tables_with(world: World, *traces: bytes | str | int) -> set[str]:
    """Every table with a cell that is, or that holds, one of these."""

    def unit(db: Any) -> set[str]:
        names = [r["name"] for r in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return {n for n in names for row in db.execute(f"SELECT * FROM {n}") if _has(row, traces)}

    return await world.core.db.read(unit)


def _has(row: Any, traces: Any) -> bool:
    for cell in row:
        for trace in traces:
            inside = isinstance(cell, (str, bytes)) and isinstance(trace, type(cell))
            if cell == trace or (inside and trace in cell):
                return True
    return False


def every_trace(world: World, customer: int, registration_id: str) -> list[bytes | str | int]:
    hashed = world.core.keys.email(EMAIL)
    return [customer, str(customer), hashed, hashed.hex(), registration_id]


async def log_of(world: World) -> list[actions.Action]:
    return await world.core.db.read(lambda db: actions.page(db, None, 100))


def count(found: dict[str, Any]) -> dict[str, int]:
    """Rows by table; the log of actions apart."""
    return {e["table"]: len(e["rows"]) for e in found["held"] if e["table"] != "actions"}


def systems(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each["system"], each["state"]) for each in found["elsewhere"]}


async def test_a_person_is_shown_whole_by_e_mail_and_by_id(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await signed_up(world, 2)
    customer = await signed_up(world)
    found = await world.core.privacy.show(" Taro@Example.com".strip())
    assert found["shopify_customer_ids"] == [f"gid://shopify/Customer/{customer}"]
    assert count(found).items() >= {"registrations": 1, "deliveries": 3, "links": 3}.items()
    others = {"attempts", "proofs", "members", "idempotency_keys"}
    assert others <= count(found).keys()
    assert systems(found) == {("shopify", "there"), ("smaregi", "there"), ("crm", "there"),
                              ("email", "sent")}  # fmt: skip
    assert {"shopify", "smaregi", "crm", "email", "backups"} == found["how"].keys()
    (sign_up,) = next(e["rows"] for e in found["held"] if e["table"] == "registrations")
    assert sign_up["state"] == "accepted"
    assert sign_up["created_at"].endswith("Z")
    traces = {*personal_data_in(orjson.dumps(found).decode() + caplog.text)}
    assert traces <= {"example.com"}  # the shop's own, in the Message-ID of the welcome mail
    by_id = await world.core.privacy.show(f"gid://shopify/Customer/{customer}")
    assert count(by_id) == count(found)
    assert count(await world.core.privacy.show(sign_up["id"])) == count(found)


async def test_after_an_erasure_nothing_of_them_is_in_any_table(world: World) -> None:
    """Judged by every cell of every table, whatever the list of tables says."""
    customer = await signed_up(world)
    other = await signed_up(world, 2)
    held = await world.core.privacy.show(EMAIL)
    (sign_up,) = next(e["rows"] for e in held["held"] if e["table"] == "registrations")
    traces = every_trace(world, customer, sign_up["id"])
    assert {"registrations", "deliveries", "links", "proofs"} <= await tables_with(world, *traces)
    done = await world.core.privacy.erase(EMAIL)
    assert done["in_the_way"] == []
    assert done["erased"].keys() >= {"registrations", "deliveries", "attempts", "links", "proofs"}
    assert {each["table"] for each in done["left"]} == {"members", "actions"}
    assert await tables_with(world, *traces) <= {"members"}
    assert count(await world.core.privacy.show(str(other)))["links"] == 3
    assert world.sandbox.shopify.customers[customer].email == EMAIL


async def test_the_log_of_actions_has_a_keyed_hash_and_nothing_else(world: World) -> None:
    customer = await signed_up(world)
    await world.core.privacy.show(EMAIL)
    await world.core.privacy.erase(EMAIL)
    shown, erased = reversed(await log_of(world))
    assert (shown.action, erased.action) == ("privacy_show", "privacy_erase")
    assert shown.subject == erased.subject == world.core.keys.hash(b"privacy", EMAIL).hex()
    for each in (shown, erased):
        assert (each.customer_id, each.why, each.actor) == (None, "", "command")
    assert str(customer) not in erased.subject
    again = await world.core.privacy.show(EMAIL)
    (log,) = [each for each in again["held"] if each["table"] == "actions"]
    assert [row["action"] for row in log["rows"]] == ["privacy_show", "privacy_erase"]


async def test_twice_erases_nothing_more_and_a_new_sign_up_is_somebody_new(world: World) -> None:
    customer = await signed_up(world)
    await world.core.privacy.erase(EMAIL)
    again = await world.core.privacy.erase(EMAIL)
    assert (again["erased"], again["in_the_way"]) == ({}, [])
    world.sandbox.shopify.delete_customer(customer)
    reply = await world.register(headers={"Idempotency-Key": "0"})
    await world.settled()
    assert reply.status == 201
    assert "Idempotent-Replayed" not in reply.headers
    assert customer_of(reply) != customer
    assert len(world.sandbox.smaregi.members) == 1


async def test_what_lives_in_smaregi_is_told_and_goes_here_once_it_is_gone_there(
    world: World,
) -> None:
    customer = await signed_up(world)
    (member,) = list(world.sandbox.smaregi.members)
    done = await world.core.privacy.erase(str(customer))
    (left,) = [each for each in done["left"] if each["table"] == "members"]
    assert "until" not in left["why"]
    assert "erased there" in left["why"]
    shown = await world.core.privacy.show(EMAIL)
    assert count(shown)["members"] == 1
    assert ("smaregi", "there") in systems(shown)
    world.sandbox.smaregi.remove(member)
    await world.core.smaregi.index.start_scan(again=True)
    assert "members" not in count(await world.core.privacy.show(EMAIL))


async def test_a_linked_member_that_is_gone_leaves_the_index_at_once(world: World) -> None:
    customer = await signed_up(world)
    (member,) = list(world.sandbox.smaregi.members)
    world.sandbox.smaregi.remove(member)
    done = await world.core.privacy.erase(str(customer))
    assert ("smaregi", "gone") in systems(done)
    assert {each["table"] for each in done["left"]} == {"actions"}


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
    await world.settled()
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
