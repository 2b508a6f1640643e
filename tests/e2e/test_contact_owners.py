"""A HubSpot contact is one customer's: whose it is decides what may be written to it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.delivery.replay import ReplayOptions
from gateway.errors import ErrorClass
from gateway.outcomes import Delivery, Outcome
from gateway.sandbox import Fault
from gateway.store import links
from tests.sync.webhooks.conftest import customers
from tests.world import World, a_world, registration

OLD = "old@example.com"


@pytest.fixture
async def crm(tmp_path: Path) -> AsyncIterator[World]:
    """Only the CRM; nothing is retried by itself."""
    off = {"FLAG_SMAREGI": "off", "FLAG_EMAIL": "off", "GATEWAY_AUTO_REPLAY": "false"}
    async with a_world(tmp_path, None, **off) as world:
        yield world


async def signed_up(world: World, number: int, **changes: Any) -> int:
    reply = await world.register(registration(number, **changes))
    assert reply.channel("crm")["outcome"] == "delivered", reply.body
    return int(reply.body["shopify_customer_id"].rpartition("/")[2])


def contact_of(world: World, customer_id: int) -> dict[str, str]:
    """The one contact that carries this customer's id."""
    found = world.sandbox.hubspot.contacts.values()
    (contact,) = [
        each.properties
        for each in found
        if not each.archived and each.properties["shopify_customer_id"] == str(customer_id)
    ]
    return contact


async def delivery(world: World, customer_id: int) -> Delivery:
    (*_, newest) = sorted(
        (d for d in await world.deliveries(channels=("crm",)) if d.customer_id == customer_id),
        key=lambda d: d.id,
    )
    return newest


async def deleted(world: World, customer_id: int) -> None:
    """In Shopify, and now its webhook is worked."""
    world.sandbox.shopify.delete_customer(customer_id)
    await customers(world)._parts.erasure.remove(customer_id)
    await world.replay(channel=["crm"])


async def gave_up_the_address(world: World, **flags: str) -> int:
    """A, whose e-mail is another in Shopify by now; HubSpot has not heard of it."""
    a = await signed_up(world, 1, email=OLD)
    world.set(**flags)
    world.sandbox.shopify.edit_customer(a, email="new@example.com")
    return a


async def test_an_address_that_another_customer_gave_up_is_a_conflict_and_writes_nothing(
    crm: World,
) -> None:
    a = await gave_up_the_address(crm, FLAG_UPDATES="off")
    before = dict(contact_of(crm, a))
    reply = await crm.register(registration(2, email=OLD, last_name="佐藤"))
    told = reply.channel("crm")
    assert (told["outcome"], told["error_class"]) == ("failed", "conflict")
    assert str(a) in told["message"]
    assert contact_of(crm, a) == before
    assert len(crm.sandbox.hubspot.contacts) == 1


async def test_a_change_of_the_owner_that_is_on_its_way_ends_the_conflict_by_itself(
    crm: World,
) -> None:
    a = await gave_up_the_address(crm)
    crm.sandbox.faults.set("crm", Fault("status", status=503, times=2))  # a read is repeated
    await crm.patch(f"/v1/customers/{a}", {"last_name": "田中"})
    assert (await delivery(crm, a)).outcome is Outcome.RETRYING
    reply = await crm.register(registration(2, email=OLD, last_name="佐藤"))
    told = reply.channel("crm")
    assert (told["outcome"], told["error_class"]) == ("retrying", "conflict")
    await crm.replay(id=[(await delivery(crm, a)).id])
    await crm.replay(channel=["crm"])
    b = int(reply.body["shopify_customer_id"].rpartition("/")[2])
    assert (await delivery(crm, b)).outcome is Outcome.DELIVERED
    assert contact_of(crm, a)["email"] == "new@example.com"
    assert (contact_of(crm, b)["email"], contact_of(crm, b)["lastname"]) == (OLD, "佐藤")


async def test_a_secondary_address_of_another_customers_contact_is_a_conflict(crm: World) -> None:
    a = await signed_up(crm, 1)
    hubspot = crm.sandbox.hubspot
    other = hubspot.add(email="second@example.com", lastname="佐藤")
    hubspot.merge(next(iter(hubspot.contacts)), other.id)
    assert contact_of(crm, a)["hs_additional_emails"] == "second@example.com"
    before = dict(contact_of(crm, a))
    reply = await crm.register(registration(2, email="second@example.com"))
    assert reply.channel("crm")["error_class"] == "conflict"
    assert contact_of(crm, a) == before


async def test_two_customers_contacts_that_were_merged_in_hubspot_never_mix(crm: World) -> None:
    a, b = await signed_up(crm, 1), await signed_up(crm, 2)
    hubspot = crm.sandbox.hubspot
    of_a, of_b = sorted(hubspot.contacts)
    hubspot.merge(of_a, of_b)
    before = dict(contact_of(crm, a))
    reply = await crm.patch(f"/v1/customers/{b}", {"last_name": "佐藤"})
    assert reply.channel("crm")["error_class"] == "conflict"
    assert contact_of(crm, a) == before
    reply = await crm.patch(f"/v1/customers/{a}", {"last_name": "田中"})
    assert reply.channel("crm")["outcome"] == "delivered"
    await deleted(crm, b)
    assert contact_of(crm, a)["lastname"] == "田中"


async def test_a_contact_that_is_linked_to_another_customer_is_a_conflict_without_their_id(
    crm: World,
) -> None:
    """Somebody emptied the property in HubSpot: the link in our database counts as well."""
    a = await gave_up_the_address(crm, FLAG_UPDATES="off")
    contact_of(crm, a)["shopify_customer_id"] = ""
    reply = await crm.register(registration(2, email=OLD, last_name="佐藤"))
    assert reply.channel("crm")["error_class"] == "conflict"
    (contact,) = crm.sandbox.hubspot.contacts.values()
    assert contact.properties["lastname"] == "山田"


async def test_an_id_that_this_shop_does_not_know_counts_as_another_customers(crm: World) -> None:
    """Two shops may share one HubSpot account."""
    hubspot = crm.sandbox.hubspot
    hubspot.add_property("shopify_customer_id", unique=True)
    hubspot.add(email=OLD, lastname="鈴木", shopify_customer_id="6000000000009")
    told = (await crm.register(registration(1, email=OLD))).channel("crm")
    assert (told["outcome"], told["error_class"]) == ("failed", "conflict")
    (contact,) = hubspot.contacts.values()
    assert (contact.properties["lastname"], contact.properties["shopify_customer_id"]) == (
        "鈴木",
        "6000000000009",
    )


async def test_while_shopify_cannot_say_whether_the_owner_exists_nothing_is_decided(
    crm: World,
) -> None:
    a = await gave_up_the_address(crm, FLAG_UPDATES="off")
    before = dict(contact_of(crm, a))
    crm.sandbox.faults.set("shopify", Fault("status", status=503, match="nodes"))
    reply = await crm.register(registration(2, email=OLD, last_name="佐藤"))
    told = reply.channel("crm")
    assert (told["outcome"], contact_of(crm, a)) == ("retrying", before)
    owed = await delivery(crm, int(reply.body["shopify_customer_id"].rpartition("/")[2]))
    assert (owed.attempts, owed.waiting) == (0, "shopify"), "nobody's fault: not counted"
    crm.sandbox.faults.clear()
    await crm.replay(channel=["crm"])
    assert (await delivery(crm, owed.customer_id)).error_class == "conflict"


async def test_two_at_once_never_share_a_contact(crm: World) -> None:
    """Both find a contact of nobody: by its first address and by its second."""
    crm.sandbox.hubspot.add(email="one@example.com", hs_additional_emails="two@example.com")
    crm.sandbox.delays["crm"] = 0.05
    replies = await asyncio.gather(
        crm.register(registration(1, email="one@example.com")),
        crm.register(registration(2, email="two@example.com", last_name="佐藤")),
    )
    outcomes = sorted(reply.channel("crm")["outcome"] for reply in replies)
    assert outcomes == ["delivered", "retrying"]
    await crm.replay(channel=["crm"])
    found = await crm.core.db.read(
        lambda db: db.execute("SELECT reference FROM links WHERE channel = 'crm'").fetchall()
    )
    assert len(found) == len({row[0] for row in found})


# -- a contact that was deleted in HubSpot


async def recreated(world: World, *, recreate: bool) -> list[str]:
    options = ReplayOptions(recreate=recreate)
    return [e["result"] async for e in world.core.replay.run(options) if e["event"] == "delivery"]


async def test_a_contact_that_was_deleted_in_hubspot_is_made_anew_when_a_person_says_so(
    crm: World,
) -> None:
    a = await signed_up(crm, 1)
    crm.sandbox.hubspot.archive(next(iter(crm.sandbox.hubspot.contacts)))
    reply = await crm.patch(f"/v1/customers/{a}", {"last_name": "田中"})
    assert reply.channel("crm")["error_class"] == "conflict"
    assert "replay --id ID --recreate" in reply.channel("crm")["message"]
    assert await recreated(crm, recreate=False) == ["failed"], "not by itself"
    assert await recreated(crm, recreate=True) == ["delivered"]
    assert contact_of(crm, a)["lastname"] == "田中"
    reply = await crm.patch(f"/v1/customers/{a}", {"last_name": "佐藤"})
    assert reply.channel("crm")["outcome"] == "delivered"
    assert contact_of(crm, a)["lastname"] == "佐藤"
    assert len(crm.sandbox.hubspot.contacts) == 2


async def test_a_persons_word_outlasts_an_attempt_that_fails(crm: World) -> None:
    a = await signed_up(crm, 1)
    crm.sandbox.hubspot.archive(next(iter(crm.sandbox.hubspot.contacts)))
    await crm.patch(f"/v1/customers/{a}", {"last_name": "田中"})
    crm.sandbox.faults.set("crm", Fault("status", status=503))
    assert await recreated(crm, recreate=True) == ["retrying"]
    crm.sandbox.faults.clear()
    assert await recreated(crm, recreate=False) == ["delivered"]
    assert contact_of(crm, a)["lastname"] == "田中"


async def test_one_that_was_restored_meanwhile_is_used_again(crm: World) -> None:
    a = await signed_up(crm, 1)
    (contact,) = crm.sandbox.hubspot.contacts.values()
    contact.archived = True
    await crm.patch(f"/v1/customers/{a}", {"last_name": "田中"})
    contact.archived = False
    assert await recreated(crm, recreate=True) == ["delivered"]
    assert contact_of(crm, a)["lastname"] == "田中"
    assert len(crm.sandbox.hubspot.contacts) == 1


async def merged(world: World, kept: int, gone: int) -> None:
    """In Shopify, and now its webhook is worked."""
    world.sandbox.shopify.merge_customers(kept, gone)
    found = await world.core.shopify.read([kept])
    await customers(world)._parts.customer_merges.merge(gone, kept, found[kept])


@pytest.mark.parametrize("broken_off", [False, True])
async def test_a_survivors_own_contact_of_which_nobody_heard_takes_the_place_of_the_others(
    crm: World, broken_off: bool
) -> None:
    gone = await signed_up(crm, 1)
    crm.sandbox.faults.set("crm", Fault("drop", times=1, match="POST /crm/objects"))
    reply = await crm.register(registration(2))
    assert reply.channel("crm")["outcome"] == "retrying"
    kept = int(reply.body["shopify_customer_id"].rpartition("/")[2])
    await merged(crm, kept, gone)
    if broken_off:  # after the other's contact was archived, before anybody wrote that down
        (other,) = [
            each.id
            for each in crm.sandbox.hubspot.contacts.values()
            if each.properties["shopify_customer_id"] == str(gone)
        ]
        crm.sandbox.hubspot.archive(other)
    await crm.replay(channel=["crm"])
    assert (await delivery(crm, kept)).outcome is Outcome.DELIVERED
    left = [each for each in crm.sandbox.hubspot.contacts.values() if not each.archived]
    assert [each.properties["shopify_customer_id"] for each in left] == [str(kept)]
    assert left[0].properties["email"] == "taro2@example.com"
    link = await crm.core.db.read(lambda db: links.get(db, "crm", kept))
    assert link is not None
    assert link.reference == str(left[0].id)


async def test_a_contact_that_carries_nobodys_number_is_not_archived_for_another(
    crm: World,
) -> None:
    """Somebody moved the number to another contact in HubSpot: which of the two is meant is for a
    person to say.
    """
    customer = await signed_up(crm, 1)
    hubspot = crm.sandbox.hubspot
    (linked,) = hubspot.contacts.values()
    hubspot._store.update(linked, {"shopify_customer_id": ""}, frozenset(), linked.updated_at)
    hubspot.add(email="taro2@example.com", shopify_customer_id=str(customer))
    await crm.patch(f"/v1/customers/{customer}", {"email": "taro2@example.com"})
    assert (await delivery(crm, customer)).error_class is ErrorClass.CONFLICT
    assert not any(each.archived for each in hubspot.contacts.values())
