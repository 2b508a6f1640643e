"""Customers change, sign in, opt out, leave and become one: what the other systems have then."""

import asyncio
from typing import Any

import pytest

from gateway.customer import gid
from gateway.outcomes import Outcome
from gateway.sandbox import Fault
from gateway.store import duplicates, events, links, removals
from gateway.store import erasure as erasure_queries
from gateway.sync.webhooks import erasure, shopify
from gateway.sync.webhooks.shopify import UNSAID
from tests.duplicates.mending import customer_of
from tests.e2e.evidence import AlertBox
from tests.sync.webhooks.conftest import back, customers
from tests.sync.webhooks.test_work import MADE
from tests.sync.webhooks.webhook import an_order, arrived, from_shopify, send, states, worked
from tests.world import World, registration

MERGE = """mutation($one: ID!, $two: ID!) {
  customerMerge(customerOneId: $one, customerTwoId: $two) {
    resultingCustomerId userErrors { message } } }"""


async def signed_up(world: World, number: int = 0, **changes: Any) -> int:
    """Registered and everywhere, echoes included; the customer's id."""
    reply = await world.register(registration(number, **changes))
    assert reply.body["status"] == "complete", reply.body
    await arrived(world)
    return int(reply.body["member_number"])


def at_the_till(world: World) -> dict[str, Any]:
    (member,) = world.sandbox.smaregi.members.values()
    return dict(member)


def contacts(world: World) -> list[dict[str, Any]]:
    found = world.sandbox.hubspot.contacts.values()
    return [each.properties for each in found if not each.archived]


async def linked(world: World, customer_id: int) -> set[str]:
    names = tuple(world.core.deliverer.routes)
    found = await world.core.db.read(lambda db: links.of_customers(db, names, [customer_id]))
    return {channel for _, channel in found}


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


def writes(world: World) -> int:
    systems = ("shopify", "smaregi", "crm")
    asked = [entry for system in systems for entry in world.sandbox.journal.of(system)]
    return sum(entry.kind == "write" for entry in asked)


# -- changes


async def test_a_change_in_the_admin_reaches_the_till_and_the_crm_and_its_echoes_end(
    hooked: World,
) -> None:
    customer = await signed_up(hooked)
    before = writes(hooked)
    hooked.sandbox.shopify.edit_customer(customer, lastName="佐藤")
    await hooked.until(lambda: at_the_till(hooked)["lastName"] == "佐藤")
    await hooked.until(lambda: contacts(hooked)[0]["lastname"] == "佐藤")
    await arrived(hooked)
    assert writes(hooked) == before + 2


async def test_the_webhooks_of_our_own_registration_write_nothing(hooked: World) -> None:
    await signed_up(hooked)
    before = writes(hooked)
    raw, headers = from_shopify(
        "customers/update", {"id": next(iter(hooked.sandbox.shopify.customers))}
    )
    await send(hooked, "shopify", raw, headers)
    await arrived(hooked)
    assert writes(hooked) == before
    assert [d.kind for d in await hooked.deliveries()] == ["registration"] * 3


async def test_opting_out_of_mail_reaches_the_till_whatever_the_flags_say(
    hooked: World,
) -> None:
    customer = await signed_up(hooked)
    assert at_the_till(hooked)["mailReceiveFlag"] == "1"
    hooked.set(FLAG_UPDATES="off", FLAG_SMAREGI="hold")
    shopify = hooked.sandbox.shopify
    shopify.store.set_consent(shopify.customers[customer], {"marketingState": "UNSUBSCRIBED"})
    await hooked.until(lambda: at_the_till(hooked)["mailReceiveFlag"] == "0")


async def test_a_first_sign_in_proves_the_e_mail_and_links_the_member_that_waited(
    hooked: World,
) -> None:
    hooked.set(SMAREGI_LINK_UNVERIFIED="false")
    hooked.sandbox.smaregi.add(
        customerCode="0012345", lastName="山田", firstName="太郎", mailAddress="taro@example.com"
    )
    reply = await hooked.register(email_verified=False)
    assert reply.channel("smaregi")["error_class"] == "conflict"
    await arrived(hooked)
    assert at_the_till(hooked)["customerCode"] == "0012345"
    customer = int(reply.body["shopify_customer_id"].rpartition("/")[2])
    hooked.sandbox.shopify.enable(customer)
    await hooked.until(lambda: at_the_till(hooked)["customerCode"] == str(customer))


# -- leaving


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


async def test_a_redaction_leaves_no_row_about_the_customer(hooked: World) -> None:
    reply = await hooked.register(headers={"Idempotency-Key": "one"})
    await arrived(hooked)
    customer = int(reply.body["member_number"])
    other = await signed_up(hooked, 2)
    hooked.sandbox.shopify.delete_customer(customer)
    raw, headers = from_shopify("customers/redact", an_order(customer))
    await send(hooked, "shopify", raw, headers)
    await arrived(hooked)
    assert set((await states(hooked)).values()) == {"done"}

    def left(db: Any) -> dict[str, int]:
        counted = {
            table: db.execute(
                f"SELECT count(*) FROM {table} WHERE customer_id = ?",
                (customer,),
            ).fetchone()[0]
            for table in (
                "registrations",
                "deliveries",
                "links",
                "events",
                "signup_evidence",
                "duplicate_queue",
            )
        }
        return counted | {
            "answers": db.execute("SELECT count(*) FROM idempotency_keys").fetchone()[0]
        }

    assert set((await hooked.core.db.read(left)).values()) == {0}
    assert len(contacts(hooked)) == 1
    assert await linked(hooked, other) >= {"smaregi", "crm"}


async def test_a_redaction_waits_for_a_channel_that_still_has_the_customer(
    hooked: World,
) -> None:
    customer = await signed_up(hooked)
    hooked.sandbox.faults.set("crm", Fault("status", status=400, match="DELETE"))
    hooked.sandbox.shopify.delete_customer(customer)
    raw, headers = from_shopify("customers/redact", an_order(customer), event_id="r")
    await send(hooked, "shopify", raw, headers)
    await hooked.until(lambda: at_the_till(hooked)["customerCode"] != str(customer))
    await hooked.settled()
    assert (await states(hooked))["shopify:r"] == "waiting"
    hooked.sandbox.faults.clear()
    await hooked.until(lambda: hooked.core.deliverer.busy == set())
    assert await hooked.replay() == 1
    await arrived(hooked)
    assert await hooked.deliveries() == []


async def test_an_order_to_erase_somebody_whom_shopify_has_waits_for_a_person(
    hooked: World,
) -> None:
    """What was signed once can be sent again by whoever has seen it."""
    async with AlertBox.open() as box:
        hooked.set(ALERT_WEBHOOK_URL=box.url)
        customer = await signed_up(hooked)
        for event_id in ("r1", "r2"):
            await send(
                hooked,
                "shopify",
                *from_shopify("customers/redact", an_order(customer), event_id=event_id),
            )
        await hooked.until(lambda: box.about("whom it has still"))
        await arrived(hooked)
        assert await linked(hooked, customer) >= {"smaregi", "crm"}
        assert len(contacts(hooked)) == 1
        (held,) = await hooked.core.db.read(lambda db: removals.find(db, "held"))
        assert (held.customer_id, held.cause) == (customer, "exists")
        assert len([text for text in box.texts if "whom it has still" in text]) == 1
        assert await hooked.core.removals.confirm([customer]) == 1
        await hooked.until(lambda: contacts(hooked) == [])
        await arrived(hooked)
        assert await linked(hooked, customer) == set()
        assert await hooked.deliveries() == []
        assert await hooked.core.db.read(lambda db: removals.find(db, "begun")) == []


async def test_who_is_kept_by_a_person_is_not_erased_by_the_same_order_again(
    hooked: World,
) -> None:
    customer = await signed_up(hooked)
    raw, headers = from_shopify("customers/redact", an_order(customer), event_id="r1")
    await send(hooked, "shopify", raw, headers)
    await arrived(hooked)
    assert await hooked.core.removals.drop([customer]) == 1
    raw, headers = from_shopify("customers/redact", an_order(customer), event_id="r2")
    await send(hooked, "shopify", raw, headers)
    await arrived(hooked)
    assert await linked(hooked, customer) >= {"smaregi", "crm"}


async def test_a_shop_that_does_not_let_us_look_erases_nobody_by_itself(hooked: World) -> None:
    customer = await signed_up(hooked)
    hooked.sandbox.faults.set("shopify", Fault("status", status=401))
    raw, headers = from_shopify("customers/redact", an_order(customer), event_id="r1")
    await send(hooked, "shopify", raw, headers)
    await worked(hooked)
    assert await linked(hooked, customer) >= {"smaregi", "crm"}
    (held,) = await hooked.core.db.read(lambda db: removals.find(db, "held"))
    assert held.customer_id == customer


async def test_a_redaction_ends_once_a_person_gives_a_channel_up(hooked: World) -> None:
    customer = await signed_up(hooked)
    hooked.sandbox.faults.set("crm", Fault("status", status=400, match="DELETE"))
    hooked.sandbox.shopify.delete_customer(customer)
    raw, headers = from_shopify("customers/redact", an_order(customer), event_id="r")
    await send(hooked, "shopify", raw, headers)
    failed = await given_back_to_a_person(hooked)
    assert (await states(hooked))["shopify:r"] == "waiting"
    assert await hooked.core.discard([failed]) == 1
    await arrived(hooked)
    assert await hooked.deliveries() == []
    assert await linked(hooked, customer) == set()
    assert len(contacts(hooked)) == 1  # as the person wanted


async def test_what_a_person_gave_up_before_a_redaction_stays_given_up(hooked: World) -> None:
    customer = await signed_up(hooked)
    hooked.sandbox.faults.set("crm", Fault("status", status=400, match="DELETE"))
    hooked.sandbox.shopify.delete_customer(customer)
    failed = await given_back_to_a_person(hooked)
    await arrived(hooked)
    await hooked.core.discard([failed])
    raw, headers = from_shopify("customers/redact", an_order(customer))
    await send(hooked, "shopify", raw, headers)
    await arrived(hooked)
    assert await hooked.deliveries() == []


async def given_back_to_a_person(world: World) -> int:
    """The id of the CRM's removal, once it has failed."""
    failed: list[int] = []
    while not failed:
        found = await world.deliveries(channels=("crm",))
        failed = [each.id for each in found if (each.kind, each.outcome) == ("removal", "failed")]
    return failed[0]


async def test_the_shops_redaction_wipes_only_where_the_app_is_really_gone(
    hooked: World,
) -> None:
    async with AlertBox.open() as box:
        hooked.set(ALERT_WEBHOOK_URL=box.url)
        customer = await signed_up(hooked)
        body = {"shop_domain": hooked.sandbox.shopify.options.store}
        await send(hooked, "shopify", *from_shopify("shop/redact", body))
        await hooked.until(lambda: box.about("nothing was erased"))
        assert await linked(hooked, customer) >= {"smaregi", "crm"}
        hooked.sandbox.faults.set("shopify", Fault("status", status=401))
        await send(hooked, "shopify", *from_shopify("shop/redact", body))
        await hooked.until(lambda: box.about("has wiped all"))
        assert await hooked.deliveries() == []
        assert await linked(hooked, customer) == set()


# -- becoming one


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


async def test_a_contact_of_the_merged_one_that_was_never_heard_of_is_archived(
    hooked: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "LATE", 0.0)
    hooked.set(GATEWAY_RETRY_SCHEDULE="100")
    first = await signed_up(hooked, 1)
    hooked.sandbox.faults.set("crm", Fault("drop", match="POST /crm/objects"))
    reply = await hooked.register(number=2)
    assert reply.channel("crm")["outcome"] == "retrying"
    hooked.sandbox.faults.clear()
    hooked.sandbox.shopify.merge_customers(first, int(reply.body["member_number"]))
    await arrived(hooked)
    await hooked.replay(channel=["crm"])
    assert [each["shopify_customer_id"] for each in contacts(hooked)] == [str(first)]
