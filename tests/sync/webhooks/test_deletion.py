"""A customer is deleted in Shopify: who leaves the channels, and what stays."""

import asyncio

from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from tests.sync.webhooks.conftest import back
from tests.sync.webhooks.lives import at_the_till, contacts, linked, signed_up, writes
from tests.sync.webhooks.webhook import arrived, from_shopify, send
from tests.world import World


async def test_a_deleted_customer_leaves_and_the_store_member_keeps_card_and_points(
    hooked: World,
) -> None:
    member = hooked.sandbox.smaregi.add(
        customerCode="0012345", lastName="山田", firstName="太郎", mailAddress="taro@example.com"
    )
    hooked.sandbox.smaregi.edit(member, point="1250")
    customer = await signed_up(hooked)
    hooked.set(FLAG_UPDATES="off", FLAG_SMAREGI="hold", FLAG_CRM="off")
    hooked.sandbox.shopify.delete_customer(customer)
    await hooked.until(lambda: not contacts(hooked))
    await hooked.until(lambda: at_the_till(hooked)["customerCode"] == "0012345")
    await arrived(hooked)
    assert at_the_till(hooked)["point"] == "1250"
    assert at_the_till(hooked)["status"] == "0"
    assert await linked(hooked, customer) == set()
    removals = [d for d in await hooked.deliveries() if d.kind == "removal"]
    assert {(d.channel, d.outcome, d.action) for d in removals} == {
        ("smaregi", "delivered", "unlinked"),
        ("crm", "delivered", "archived"),
    }


async def test_the_member_is_withdrawn_where_the_operator_wants_that(hooked: World) -> None:
    hooked.set(SMAREGI_ON_DELETE="withdraw")
    customer = await signed_up(hooked)
    hooked.sandbox.shopify.delete_customer(customer)
    await hooked.until(lambda: at_the_till(hooked)["status"] == "3")
    await arrived(hooked)
    assert await linked(hooked, customer) == set()


async def test_what_a_customer_was_owed_is_given_up_when_they_are_gone(hooked: World) -> None:
    hooked.set(FLAG_CRM="hold", FLAG_EMAIL="hold")
    customer = await signed_up(hooked)
    hooked.sandbox.shopify.delete_customer(customer)
    await hooked.until(lambda: at_the_till(hooked)["customerCode"] != str(customer))
    await arrived(hooked)
    found = {(d.channel, str(d.kind)): d for d in await hooked.deliveries()}
    for channel in ("crm", "email"):
        assert found[channel, "registration"].outcome == "discarded"
        assert "gone from Shopify" in (found[channel, "registration"].message or "")
    assert ("crm", "removal") not in found


async def test_a_removal_that_fails_is_kept_tried_again_and_replayed(hooked: World) -> None:
    customer = await signed_up(hooked)
    hooked.sandbox.faults.set("crm", Fault("status", status=500, times=1, match="DELETE"))
    hooked.sandbox.shopify.delete_customer(customer)
    await arrived(hooked)
    (kept,) = await hooked.deliveries(outcomes=(Outcome.RETRYING,))
    assert (kept.channel, kept.kind, kept.attempts) == ("crm", "removal", 1)
    assert await linked(hooked, customer) == {"crm"}
    assert await hooked.replay() == 1
    assert contacts(hooked) == []
    assert await linked(hooked, customer) == set()


async def test_a_record_that_is_gone_already_is_a_removal_that_is_done(hooked: World) -> None:
    customer = await signed_up(hooked)
    contact = next(iter(hooked.sandbox.hubspot.contacts))
    hooked.sandbox.smaregi.remove(next(iter(hooked.sandbox.smaregi.members)))
    hooked.sandbox.faults.set("crm", Fault("status", status=404, times=1, match="DELETE"))
    hooked.sandbox.shopify.delete_customer(customer)
    await arrived(hooked)
    assert contact
    assert await linked(hooked, customer) == set()
    removals = [d for d in await hooked.deliveries() if d.kind == "removal"]
    assert {d.outcome for d in removals} == {"delivered"}


async def test_a_removal_needs_settings_and_says_so_where_they_are_missing(
    hooked: World,
) -> None:
    customer = await signed_up(hooked)
    hooked.set(FLAG_CRM="off", HUBSPOT_ACCESS_TOKEN="")
    hooked.sandbox.shopify.delete_customer(customer)
    await arrived(hooked)
    (failed,) = await hooked.deliveries(outcomes=(Outcome.FAILED,))
    assert (failed.channel, failed.kind, failed.error_class) == ("crm", "removal", "conflict")


async def test_an_attempt_under_way_ends_before_its_customer_leaves(hooked: World) -> None:
    """Deleted in the middle of the sign-up: no orphan stays behind."""
    hooked.sandbox.delays["crm"] = 0.5
    signing_up = asyncio.create_task(hooked.register())
    await hooked.until(lambda: hooked.sandbox.smaregi.members)
    (customer,) = hooked.sandbox.shopify.customers
    hooked.sandbox.shopify.delete_customer(customer)
    await signing_up
    hooked.sandbox.delays["crm"] = 0.0
    await arrived(hooked)
    assert contacts(hooked) == []
    assert await linked(hooked, customer) == set()


async def test_a_deletion_that_was_persisted_survives_the_end_of_the_process(
    hooked: World,
) -> None:
    customer = await signed_up(hooked)
    await hooked.core.events.stop()
    hooked.sandbox.shopify.delete_customer(customer)
    await hooked.sandbox.shopify.webhooks.settled()
    assert len(contacts(hooked)) == 1
    await back(hooked)
    await arrived(hooked)
    assert contacts(hooked) == []


async def test_a_deletion_that_is_not_true_changes_nothing(hooked: World) -> None:
    customer = await signed_up(hooked)
    before = writes(hooked)
    raw, headers = from_shopify("customers/delete", {"id": customer})
    await send(hooked, "shopify", raw, headers)
    await arrived(hooked)
    assert writes(hooked) == before
    assert await linked(hooked, customer) >= {"smaregi", "crm"}
