"""Two customers become one in Shopify: what the other systems have then."""

import asyncio

import pytest

from gateway.customer import gid
from gateway.sandbox import Fault
from gateway.store import duplicates, events
from gateway.store import erasure as erasure_queries
from gateway.sync.webhooks import erasure, shopify
from gateway.sync.webhooks.shopify import UNSAID
from tests.duplicates.mending import customer_of
from tests.e2e.evidence import AlertBox
from tests.sync.webhooks.conftest import customers
from tests.sync.webhooks.lives import at_the_till, contacts, linked, signed_up
from tests.sync.webhooks.test_work import MADE
from tests.sync.webhooks.webhook import arrived, from_shopify, send
from tests.world import World

MERGE = """mutation($one: ID!, $two: ID!) {
  customerMerge(customerOneId: $one, customerTwoId: $two) {
    resultingCustomerId userErrors { message } } }"""


async def merged(world: World, one: int, two: int) -> int:
    """Merged in Shopify; who survives."""
    shopify = world.sandbox.shopify
    async with world.session.post(
        f"{shopify.url}/admin/api/2026-10/graphql.json",
        json={"query": MERGE, "variables": {"one": gid(one), "two": gid(two)}},
        headers={"X-Shopify-Access-Token": shopify.options.access_token},
    ) as response:
        payload = (await response.json())["data"]["customerMerge"]
    assert not payload["userErrors"]
    kept = int(payload["resultingCustomerId"].rpartition("/")[2])
    gone = {one, two} - {kept}
    await world.until(lambda: not gone & world.sandbox.shopify.customers.keys())
    return kept


async def test_a_merge_moves_the_link_to_the_survivor_whoever_that_is(hooked: World) -> None:
    hooked.set(SHOPIFY_SYNC_OTHERS="false")
    first = await signed_up(hooked)
    guest = hooked.sandbox.shopify.add_customer(**MADE)
    kept = await merged(hooked, first, guest.id)
    assert kept == guest.id
    await hooked.until(lambda: at_the_till(hooked)["customerCode"] == str(kept))
    await hooked.until(lambda: contacts(hooked)[0]["shopify_customer_id"] == str(kept))
    await arrived(hooked)
    assert contacts(hooked)[0]["email"] == MADE["email"]
    assert at_the_till(hooked)["lastName"] == MADE["lastName"]
    assert len(contacts(hooked)) == 1
    assert await linked(hooked, first) & {"smaregi", "crm"} == set()
    assert await linked(hooked, kept) >= {"smaregi", "crm"}
    hooked.sandbox.shopify.edit_customer(kept, firstName="三郎")
    await hooked.until(lambda: at_the_till(hooked)["firstName"] == "三郎")


@pytest.mark.parametrize("reverse", [False, True])
async def test_a_deletion_beside_a_merge_undoes_nothing_whichever_comes_first(
    hooked: World, reverse: bool
) -> None:
    hooked.set(SHOPIFY_SYNC_OTHERS="false")
    first = await signed_up(hooked)
    guest = hooked.sandbox.shopify.add_customer(**MADE)
    hooked.sandbox.shopify.webhooks.pause()
    kept = await merged(hooked, first, guest.id)
    body = {
        "admin_graphql_api_customer_kept_id": gid(kept),
        "admin_graphql_api_customer_deleted_id": gid(first),
        "status": "completed",
    }
    told = [from_shopify("customers/delete", {"id": first}), from_shopify("customers/merge", body)]
    for raw, headers in told[::-1] if reverse else told:
        await send(hooked, "shopify", raw, headers)
    await hooked.until(lambda: at_the_till(hooked)["customerCode"] == str(kept))
    hooked.sandbox.shopify.webhooks.flush()
    await arrived(hooked)
    assert await linked(hooked, kept) >= {"smaregi", "crm"}
    assert len(contacts(hooked)) == 1
    assert not [d for d in await hooked.deliveries() if d.kind == "removal"]


@pytest.mark.parametrize("status", ["failed", "in_progress", "requested", "FAILED"])
async def test_only_a_merge_that_shopify_completed_is_one(hooked: World, status: str) -> None:
    """It changes nothing, is not asked about, and explains no later deletion."""
    first, second = await signed_up(hooked, 1), await signed_up(hooked, 2)
    body = {
        "admin_graphql_api_customer_kept_id": gid(first),
        "admin_graphql_api_customer_deleted_id": gid(second),
        "admin_graphql_api_job_id": None,
        "status": status,
        "errors": [{"customer_ids": [second], "field": "merge_in_progress", "message": "busy"}],
    }
    await send(hooked, "shopify", *from_shopify("customers/merge", body))
    reads = len(hooked.sandbox.journal.of("shopify"))
    await asyncio.sleep(0.2)
    assert len(hooked.sandbox.journal.of("shopify")) == reads
    assert await linked(hooked, second) >= {"smaregi", "crm"}
    hooked.sandbox.shopify.delete_customer(second)
    await hooked.until(lambda: len(contacts(hooked)) == 1)
    await arrived(hooked)
    assert await linked(hooked, second) & {"smaregi", "crm"} == set()
    codes = [each["customerCode"] for each in hooked.sandbox.smaregi.members.values()]
    assert codes[0] == str(first)
    assert str(second) not in codes
    pairs = await hooked.core.db.read(lambda db: duplicates.find(db, limit=9))
    assert not any("merged_online" in pair.reasons for pair in pairs)


async def test_a_merge_that_never_ends_explains_no_later_deletion(
    hooked: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a form without `status`: both are still there when it is given up."""
    monkeypatch.setattr(shopify, "_NEVER_ENDS", 0.0)
    first, second = await signed_up(hooked, 1), await signed_up(hooked, 2)
    body = {
        "admin_graphql_api_customer_kept_id": gid(first),
        "admin_graphql_api_customer_deleted_id": gid(second),
    }
    await send(hooked, "shopify", *from_shopify("customers/merge", body))
    await arrived(hooked)
    hooked.sandbox.shopify.delete_customer(second)
    await hooked.until(lambda: len(contacts(hooked)) == 1)
    await arrived(hooked)
    assert await hooked.core.db.read(lambda db: events.survivor(db, second)) == second
    pairs = await hooked.core.db.read(lambda db: duplicates.find(db, limit=9))
    assert not any("merged_online" in pair.reasons for pair in pairs)


async def test_what_was_given_up_before_the_merge_was_heard_of_is_owed_to_the_survivor(
    hooked: World,
) -> None:
    """The worker met the customer, gone from Shopify, before the webhook came."""
    hooked.set(SHOPIFY_SYNC_OTHERS="false")
    hooked.sandbox.faults.set("email", Fault("status", status=421))
    first = customer_of(await hooked.register())
    guest = hooked.sandbox.shopify.add_customer(**MADE)
    hooked.sandbox.shopify.webhooks.pause()
    await merged(hooked, first, guest.id)
    hooked.sandbox.faults.clear()
    await hooked.replay(channel=["email"])
    (given_up,) = await hooked.deliveries(channels=("email",))
    assert (given_up.outcome, given_up.message) == ("discarded", erasure_queries.GONE)
    hooked.sandbox.shopify.webhooks.flush()
    await hooked.until(lambda: hooked.sandbox.mail.messages)
    assert hooked.sandbox.mail.messages[0].recipients == (MADE["email"],)


async def test_who_is_found_gone_and_was_not_deleted_may_have_been_merged(hooked: World) -> None:
    """An event of theirs is worked before the merge's own comes: nothing is taken from them yet."""
    customers(hooked).unsaid = UNSAID
    hooked.set(SMAREGI_ON_DELETE="withdraw", SHOPIFY_SYNC_OTHERS="false")
    first, guest = await signed_up(hooked), hooked.sandbox.shopify.add_customer(**MADE)
    await arrived(hooked)
    hooks = hooked.sandbox.shopify.webhooks
    hooks.pause()
    assert await merged(hooked, first, guest.id) == guest.id
    body, headers = from_shopify("customers/update", {"id": first})
    await send(hooked, "shopify", body, headers)
    await asyncio.sleep(0.4)  # past the grace of a deletion
    assert at_the_till(hooked)["status"] == "0"
    hooks.flush()
    await hooked.until(lambda: at_the_till(hooked)["customerCode"] == str(guest.id))
    assert at_the_till(hooked)["status"] == "0"


async def test_where_both_have_a_member_the_survivors_link_stays_and_a_person_is_told(
    hooked: World,
) -> None:
    async with AlertBox.open() as box:
        hooked.set(ALERT_WEBHOOK_URL=box.url)
        other = {"last_name": "佐藤", "last_kana": "サトウ", "birth_date": None, "address": None}
        first, second = await signed_up(hooked, 1), await signed_up(hooked, 2, **other)
        kept = await merged(hooked, first, second)
        await hooked.until(lambda: len(contacts(hooked)) == 1)
        await arrived(hooked)
        assert contacts(hooked)[0]["shopify_customer_id"] == str(kept)
        codes = {each["customerCode"] for each in hooked.sandbox.smaregi.members.values()}
        assert codes == {str(first), str(second)}
        assert await linked(hooked, first) == {"email"}
        await hooked.until(lambda: box.about("each has a store member"))
        await hooked.core.duplicates.catch_up()
        (pair,) = await hooked.core.db.read(lambda db: duplicates.find(db, limit=9))
        assert (pair.state, list(pair.reasons)) == ("open", ["merged_online"])


async def test_merges_in_a_chain_end_at_the_last_survivor_in_any_order(hooked: World) -> None:
    hooked.set(SHOPIFY_SYNC_OTHERS="false")
    first = await signed_up(hooked)
    middle = hooked.sandbox.shopify.add_customer(**MADE)
    last = hooked.sandbox.shopify.add_customer(**MADE | {"email": "last@example.com"})
    hooks = hooked.sandbox.shopify.webhooks
    hooks.pause()
    assert await merged(hooked, first, middle.id) == middle.id
    assert await merged(hooked, middle.id, last.id) == last.id
    await hooked.until(lambda: [d.tag for d in hooks.held].count("CUSTOMERS_MERGE ") == 2)
    held = list(hooks.held)
    hooks._held[:] = held[::-1]
    hooks.flush()
    await hooked.until(lambda: at_the_till(hooked)["customerCode"] == str(last.id))
    await arrived(hooked)
    assert await linked(hooked, last.id) >= {"smaregi", "crm"}
    assert at_the_till(hooked)["mailAddress"] == "last@example.com"


async def test_what_the_one_who_went_was_still_owed_is_owed_to_the_survivor(
    hooked: World,
) -> None:
    hooked.set(FLAG_CRM="hold", SHOPIFY_SYNC_OTHERS="false")
    first = await signed_up(hooked)
    guest = hooked.sandbox.shopify.add_customer(**MADE)
    kept = await merged(hooked, first, guest.id)
    await hooked.until(lambda: at_the_till(hooked)["customerCode"] == str(kept))
    await arrived(hooked)
    hooked.set(FLAG_CRM="on")
    await hooked.until(lambda: contacts(hooked))
    assert contacts(hooked)[0]["shopify_customer_id"] == str(kept)


async def test_where_the_till_keeps_its_own_numbers_only_the_second_one_follows_a_merge(
    hooked: World,
) -> None:
    hooked.set(SMAREGI_LINK_FIELD="customerNo", SHOPIFY_SYNC_OTHERS="false")
    hooked.sandbox.smaregi.add(
        customerCode="0012345", lastName="山田", firstName="太郎", mailAddress="taro@example.com"
    )
    reply = await hooked.register()
    await arrived(hooked)
    first = int(reply.body["shopify_customer_id"].rpartition("/")[2])
    assert at_the_till(hooked)["customerNo"] == str(first)
    kept = await merged(hooked, first, hooked.sandbox.shopify.add_customer(**MADE).id)
    await hooked.until(lambda: at_the_till(hooked)["customerNo"] == str(kept))
    await arrived(hooked)
    assert at_the_till(hooked)["customerCode"] == "0012345"


@pytest.mark.parametrize("again", [False, True], ids=["told once", "told twice"])
async def test_a_contact_of_the_merged_one_that_was_never_heard_of_is_archived(
    hooked: World, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setattr(erasure, "LATE", 0.0)
    hooked.set(GATEWAY_RETRY_SCHEDULE="100")
    first = await signed_up(hooked, 1)
    hooked.sandbox.faults.set("crm", Fault("drop", match="POST /crm/objects"))
    reply = await hooked.register(number=2)
    assert reply.channel("crm")["outcome"] == "retrying"
    hooked.sandbox.faults.set("crm", Fault("drop"))
    gone = int(reply.body["member_number"])
    hooked.sandbox.shopify.merge_customers(first, gone)
    await arrived(hooked)
    if again:
        body = {
            "admin_graphql_api_customer_kept_id": gid(first),
            "admin_graphql_api_customer_deleted_id": gid(gone),
            "status": "completed",
        }
        await send(hooked, "shopify", *from_shopify("customers/merge", body))
        await arrived(hooked)
    hooked.sandbox.faults.clear()
    await hooked.replay(channel=["crm"])
    assert [each["shopify_customer_id"] for each in contacts(hooked)] == [str(first)]
