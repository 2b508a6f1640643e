"""What is held about one person: shown, erased here, and what is left elsewhere."""

import logging

import orjson
import pytest

from gateway.app.identity import SHOP
from gateway.app.privacy import _HOW
from gateway.channels import ROSTER
from tests.app.privacy.traces import EMAIL, count, log_of, signed_up, systems, tables_with
from tests.duplicates.mending import customer_of
from tests.e2e.evidence import personal_data_in
from tests.world import World


def every_trace(world: World, customer: int, registration_id: str) -> list[bytes | str | int]:
    hashed = world.core.keys.email(EMAIL)
    return [customer, str(customer), hashed, hashed.hex(), registration_id]


def test_what_is_left_in_a_channel_is_told_of_every_channel() -> None:
    assert _HOW.keys() == {SHOP, "backups", *(spec.name for spec in ROSTER)}


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
