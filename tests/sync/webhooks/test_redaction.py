"""Shopify's orders to erase a customer, or all of a shop."""

from typing import Any

from gateway.sandbox import Fault
from gateway.store import removals
from tests.e2e.evidence import AlertBox
from tests.sync.webhooks.lives import at_the_till, contacts, linked, signed_up
from tests.sync.webhooks.webhook import an_order, arrived, from_shopify, send, states, worked
from tests.world import World


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
