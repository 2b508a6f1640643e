"""What webhooks bring about, through the front door, with the stand-ins as judges."""

import asyncio
from functools import partial
from typing import Any

from gateway.sandbox import Fault, ShopifyOptions
from gateway.sync.webhooks.worker import LaterError
from tests.e2e.evidence import AlertBox
from tests.sync.webhooks.conftest import customers
from tests.sync.webhooks.webhook import arrived, from_shopify, from_smaregi, send, states, worked
from tests.world import World

MADE: dict[str, Any] = {"email": "jiro@example.com", "lastName": "佐藤", "firstName": "次郎"}


async def test_a_customer_made_elsewhere_reaches_the_till_and_the_crm_without_a_mail(
    hooked: World,
) -> None:
    customer = hooked.sandbox.shopify.add_customer(**MADE)
    await hooked.until(lambda: hooked.sandbox.smaregi.members and hooked.sandbox.hubspot.contacts)
    await arrived(hooked)
    (member,) = hooked.sandbox.smaregi.members.values()
    assert member["customerCode"] == str(customer.id)
    assert len(hooked.sandbox.mail.messages) == 0
    found = await hooked.deliveries()
    assert [(d.channel, d.kind, d.outcome) for d in found] == [
        ("smaregi", "registration", "delivered"),
        ("crm", "registration", "delivered"),
    ]


async def test_a_customer_made_elsewhere_stays_elsewhere_unless_that_is_wanted(
    hooked: World,
) -> None:
    hooked.set(SHOPIFY_SYNC_OTHERS="false")
    hooked.sandbox.shopify.add_customer(**MADE)
    await arrived(hooked)
    assert len(await states(hooked)) == 1
    assert await hooked.deliveries() == []


async def test_flags_decide_about_a_newcomer_as_about_a_sign_up(hooked: World) -> None:
    hooked.set(FLAG_SMAREGI="hold", FLAG_CRM="dry_run")
    hooked.sandbox.shopify.add_customer(**MADE)
    await arrived(hooked)
    found = await hooked.deliveries()
    assert [(d.channel, d.outcome) for d in found] == [("smaregi", "held"), ("crm", "dry_run")]
    assert found[1].message is not None
    assert len(hooked.sandbox.hubspot.contacts) == 0


async def test_a_registration_of_ours_is_no_newcomer_when_its_webhooks_come(
    hooked: World,
) -> None:
    reply = await hooked.register()
    assert reply.body["status"] == "complete"
    await arrived(hooked)
    found = await hooked.deliveries()
    assert [d.kind for d in found] == ["registration"] * 3
    assert len(hooked.sandbox.smaregi.members) == 1
    assert set((await states(hooked)).values()) == {"done"}


async def test_events_of_one_customer_are_one_piece_of_work_in_any_order(hooked: World) -> None:
    """Reordered, repeated, and half of them lost."""
    hooks = hooked.sandbox.shopify.webhooks
    hooks.pause()
    made = [
        hooked.sandbox.shopify.add_customer(**MADE | {"email": f"jiro{n}@example.com"})
        for n in range(5)
    ]
    for customer in made:
        for _ in range(4):
            hooked.sandbox.shopify.edit_customer(customer.id, note="again")
    assert hooks.flush(shuffle=True, repeat=3, lose=0.5) > 15
    await arrived(hooked)
    await hooked.until(lambda: len(hooked.sandbox.smaregi.members) == 5)
    await hooked.settled()
    codes = {member["customerCode"] for member in hooked.sandbox.smaregi.members.values()}
    assert codes == {str(customer.id) for customer in made}
    assert len(await hooked.deliveries()) == 10


async def test_what_was_persisted_before_the_end_is_worked_after_the_start(
    hooked: World,
) -> None:
    await hooked.core.events.stop()
    customer = hooked.sandbox.shopify.add_customer(**MADE)
    await hooked.sandbox.shopify.webhooks.settled()
    assert list((await states(hooked)).values()) == ["waiting"]
    await hooked.restart()
    await worked(hooked)
    await hooked.until(lambda: hooked.sandbox.smaregi.members)
    await hooked.settled()
    (member,) = hooked.sandbox.smaregi.members.values()
    assert member["customerCode"] == str(customer.id)


async def test_while_shopify_cannot_be_read_events_wait_uncounted(hooked: World) -> None:
    faults = hooked.sandbox.faults
    faults.set("shopify", Fault("status", status=503, match="nodes"))
    customer = hooked.sandbox.shopify.add_customer(**MADE)
    failed = partial(hooked.sandbox.journal.of, "shopify")
    await hooked.until(lambda: any(entry.status == 503 for entry in failed()))
    faults.clear()
    await worked(hooked)
    await hooked.until(lambda: hooked.sandbox.smaregi.members)
    rows = await hooked.core.db.read(
        lambda db: db.execute("SELECT DISTINCT attempts FROM events").fetchall()
    )
    assert [row[0] for row in rows] == [0]
    await hooked.settled()
    (member,) = hooked.sandbox.smaregi.members.values()
    assert member["customerCode"] == str(customer.id)


async def test_an_event_that_breaks_us_is_tried_again_then_told_and_taken_up_at_the_next_start(
    hooked: World,
) -> None:
    async with AlertBox.open() as box:
        hooked.set(GATEWAY_RETRY_SCHEDULE="0.01,0.01", ALERT_WEBHOOK_URL=box.url)
        handler = customers(hooked)
        calls = 0

        async def present(_: Any, age: float) -> None:
            nonlocal calls
            calls += 1
            raise KeyError("a bug")

        handler._present = present  # type: ignore[method-assign, assignment]
        hooked.sandbox.shopify.add_customer(**MADE)
        await arrived(hooked)
        assert calls == 3
        assert list((await states(hooked)).values()) == ["failed"]
        told = "Work of webhooks: unexpected"
        await hooked.until(lambda: box.about(told))
        await hooked.restart()
    await worked(hooked)
    assert list((await states(hooked)).values()) == ["done"]


async def test_a_piece_that_has_to_wait_uses_up_no_try(hooked: World) -> None:
    handler = customers(hooked)
    answers = [LaterError(0.01)] * 4

    async def present(_: Any, age: float) -> None:
        if answers:
            raise answers.pop()

    handler._present = present  # type: ignore[method-assign, assignment]
    hooked.sandbox.shopify.add_customer(**MADE)
    await hooked.until(lambda: not answers)
    await arrived(hooked)
    assert list((await states(hooked)).values()) == ["done"]


async def test_a_flood_is_answered_at_once_and_worked_in_batches(hooked: World) -> None:
    reads = len(hooked.sandbox.journal.of("shopify"))
    waits: list[float] = []
    sending = asyncio.Semaphore(50)

    async def one(number: int) -> None:
        raw, headers = from_shopify("customers/update", {"id": 7_100_000_000_000 + number % 250})
        async with sending:
            began = asyncio.get_running_loop().time()
            assert (await send(hooked, "shopify", raw, headers)).status == 200
            waits.append(asyncio.get_running_loop().time() - began)

    async with asyncio.TaskGroup() as group:
        for number in range(500):
            group.create_task(one(number))
    assert max(waits) < 4.0, "a second, and what all 500 cost a busy processor"
    await worked(hooked)
    assert len(await states(hooked)) == 500
    assert len(hooked.sandbox.journal.of("shopify")) - reads < 40


async def test_a_member_made_at_the_till_is_in_the_index_once_the_webhook_was_worked(
    hooked: World,
) -> None:
    await hooked.until(lambda: hooked.core.smaregi.index.ready)
    member = hooked.sandbox.smaregi.add(
        lastName="山田", firstName="太郎", mailAddress="taro@example.com"
    )
    await arrived(hooked)
    found = await hooked.core.smaregi.index.by_email("taro@example.com")
    assert [each.member_id for each in found] == [member]


async def test_a_member_deleted_at_the_till_leaves_the_index_and_only_if_it_is_true(
    hooked: World,
) -> None:
    await hooked.until(lambda: hooked.core.smaregi.index.ready)
    hooks, smaregi = hooked.sandbox.smaregi.webhooks, hooked.sandbox.smaregi
    member = smaregi.add(lastName="山田", firstName="太郎", mailAddress="taro@example.com")
    await arrived(hooked)
    raw, headers = from_smaregi(member, action="deleted")
    await send(hooked, "smaregi", raw, headers)
    await worked(hooked)
    assert len(await hooked.core.smaregi.index.by_email("taro@example.com")) == 1
    smaregi.remove(member)
    await hooks.settled()
    await worked(hooked)
    assert await hooked.core.smaregi.index.by_email("taro@example.com") == []


async def test_smaregis_trouble_keeps_no_shopify_event_waiting(hooked: World) -> None:
    hooked.sandbox.faults.set("smaregi", Fault("hang"))
    raw, headers = from_smaregi(1, event_id="till")
    await send(hooked, "smaregi", raw, headers)
    hooked.sandbox.shopify.add_customer(**MADE)
    await hooked.until(lambda: hooked.sandbox.hubspot.contacts)
    found = await states(hooked)
    assert found.pop("smaregi:till") == "waiting"
    assert set(found.values()) == {"done"}
    hooked.sandbox.faults.clear()


async def test_a_request_for_data_is_told_to_administrators(hooked: World) -> None:
    async with AlertBox.open() as box:
        hooked.set(ALERT_WEBHOOK_URL=box.url)
        body = {
            "shop_domain": ShopifyOptions().store,
            "orders_requested": [],
            "customer": {"id": 7000000000001, "email": "taro@example.com"},
            "data_request": {"id": 9999},
        }
        raw, headers = from_shopify("customers/data_request", body)
        await send(hooked, "shopify", raw, headers)
        await hooked.until(lambda: box.texts)
        assert "7000000000001" in box.texts[0]
        assert "taro" not in box.texts[0]


async def test_events_are_counted_and_those_that_wait_are_shown(hooked: World) -> None:
    await hooked.core.events.stop()
    raw, headers = from_shopify("customers/update", {"id": 1})
    await send(hooked, "shopify", raw, headers)
    text = (await hooked.get("/metrics")).raw.decode()
    labels = 'result="accepted",source="shopify",topic="customers/update"'
    assert f"gateway_events_total{{{labels}}} 1.0" in text
    assert "gateway_events_waiting 1.0" in text


async def test_worked_events_go_after_a_week_and_waiting_ones_never(hooked: World) -> None:
    raw, headers = from_shopify("customers/update", {"id": 1}, event_id="old")
    await send(hooked, "shopify", raw, headers)
    await worked(hooked)
    await hooked.core.events.stop()
    raw, headers = from_shopify("customers/update", {"id": 1}, event_id="waits")
    await send(hooked, "shopify", raw, headers)
    assert len(await states(hooked)) == 2
    await hooked.core.db.write(lambda db: db.execute("UPDATE events SET updated_at = 0").rowcount)
    await hooked.core.housekeeping.expire_once()
    assert await states(hooked) == {"shopify:waits": "waiting"}
