"""HubSpot's rarer answers, and customers whom it cannot have."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.delivery.circuit import CircuitState
from gateway.sandbox import Fault
from tests.sync.webhooks.conftest import connect, hurry
from tests.sync.webhooks.webhook import arrived
from tests.world import World, a_world

DAY = 86400.0


@pytest.fixture
async def crm(tmp_path: Path) -> AsyncIterator[World]:
    """Only the CRM; nothing is retried by itself, customers made elsewhere are welcome."""
    off = {"FLAG_SMAREGI": "off", "FLAG_EMAIL": "off", "GATEWAY_AUTO_REPLAY": "false"}
    async with a_world(tmp_path, None, SHOPIFY_SYNC_OTHERS="true", **off) as world:
        yield world


async def test_an_account_that_is_being_moved_pauses_the_channel_for_as_long_as_it_says(
    crm: World,
) -> None:
    moving = Fault("status", status=477, headers={"Retry-After": "80000"})
    crm.sandbox.faults.set("crm", moving)
    told = (await crm.register()).channel("crm")
    assert (told["outcome"], told["error_class"]) == ("retrying", "unavailable")
    (owed,) = await crm.deliveries(channels=("crm",))
    assert owed.next_attempt_at == pytest.approx(time.time() + 80000, abs=60)
    circuit = crm.core.deliverer.routes["crm"].circuit
    assert circuit.remaining() == pytest.approx(80000, abs=60)
    assert await circuit.admit() is CircuitState.OPEN
    crm.sandbox.faults.clear()
    await crm.replay(channel=["crm"])  # a person probes at once
    assert {d.outcome for d in await crm.deliveries(channels=("crm",))} == {"delivered"}


@pytest.mark.parametrize("match", ["POST /contacts", "GET /properties", "POST /properties"])
@pytest.mark.parametrize("status", [425, 477, 408])
async def test_what_passes_is_no_bad_data(crm: World, status: int, match: str) -> None:
    crm.sandbox.faults.set("crm", Fault("status", status=status, match=match))
    told = (await crm.register()).channel("crm")
    assert (told["outcome"], told["error_class"]) == (
        "retrying",
        "timeout" if status == 408 else "unavailable",
    )
    crm.sandbox.faults.clear()
    await crm.replay(channel=["crm"])
    (contact,) = crm.sandbox.hubspot.contacts.values()
    assert contact.properties["shopify_customer_id"], "our properties were waited for"


async def test_the_days_limit_without_a_header_is_probed_every_minute(crm: World) -> None:
    body = {"category": "RATE_LIMITS", "policyName": "DAILY"}
    crm.sandbox.faults.set("crm", Fault("status", status=429, body=body))
    told = (await crm.register()).channel("crm")
    assert (told["outcome"], told["error_class"]) == ("retrying", "rate_limit")
    circuit = crm.core.deliverer.routes["crm"].circuit
    assert circuit.cause == "rate_limit"
    assert 0 < circuit.remaining() <= 60


async def test_a_customer_id_that_is_not_unique_is_told_and_the_e_mail_is_asked(
    crm: World,
) -> None:
    hubspot = crm.sandbox.hubspot
    hubspot.add_property("shopify_customer_id", unique=False)
    crm.sandbox.faults.set("crm", Fault("drop", match="POST /contacts", times=1))
    told = (await crm.register()).channel("crm")
    assert told["outcome"] == "retrying"
    await crm.replay(channel=["crm"])
    (contact,) = hubspot.contacts.values()
    assert contact.properties["shopify_customer_id"]
    assert {d.outcome for d in await crm.deliveries(channels=("crm",))} == {"delivered"}
    said = await crm.core.deliverer.routes["crm"].channel.check()
    assert [each.ok for each in said] == [False]
    assert "shopify_customer_id exists and is not unique" in said[0].detail


async def test_an_e_mail_that_hubspot_refuses_is_named_as_the_field_and_never_quoted(
    crm: World, caplog: pytest.LogCaptureFixture
) -> None:
    told = (await crm.register(email="x@h4.local")).channel("crm")
    assert (told["outcome"], told["error_class"]) == ("failed", "invalid_data")
    assert "e-mail address" in told["message"]
    assert "INVALID_EMAIL" in told["message"]
    assert "h4.local" not in told["message"] + caplog.text


async def test_who_has_neither_e_mail_nor_name_is_not_sent_to_the_crm(crm: World) -> None:
    hurry(crm)
    await connect(crm)
    crm.sandbox.shopify.add_customer(phone="+819012345678")
    crm.sandbox.shopify.add_customer(lastName="佐藤")
    await arrived(crm)
    await crm.replay(channel=["crm"])
    (owed,) = await crm.deliveries(channels=("crm",))
    assert owed.outcome == "delivered"
    (contact,) = crm.sandbox.hubspot.contacts.values()
    assert contact.properties["lastname"] == "佐藤"


async def test_nor_is_one_who_lost_both_before_they_were_sent(crm: World) -> None:
    crm.set(FLAG_CRM="hold")
    reply = await crm.register()
    customer = int(reply.body["shopify_customer_id"].rpartition("/")[2])
    blank = {"email": "", "firstName": "", "lastName": ""}
    crm.sandbox.shopify.edit_customer(customer, **blank)
    crm.set(FLAG_CRM="on")
    await crm.replay(channel=["crm"])
    (owed,) = await crm.deliveries(channels=("crm",))
    assert (owed.outcome, owed.error_class) == ("failed", "invalid_data")
    assert "an e-mail or a name" in (owed.message or "")
    assert crm.sandbox.journal.of("crm", "POST /contacts") == []


async def test_a_contact_whose_customer_lost_both_keeps_them_and_hears_of_opting_out(
    crm: World,
) -> None:
    hurry(crm)
    await connect(crm)
    reply = await crm.register()
    customer = int(reply.body["shopify_customer_id"].rpartition("/")[2])
    await arrived(crm)
    blank = {"email": "", "firstName": "", "lastName": ""}
    crm.sandbox.shopify.edit_customer(
        customer, **blank, emailMarketingConsent={"marketingState": "UNSUBSCRIBED"}
    )
    await arrived(crm)
    await crm.replay(channel=["crm"])
    (contact,) = crm.sandbox.hubspot.contacts.values()
    assert contact.properties["email"] == "taro@example.com"
    assert contact.properties["accepts_marketing"] == "false"
    update = (await crm.deliveries(channels=("crm",)))[-1]
    assert update.outcome == "delivered", update.message
    assert {each["field"] for each in update.adjustments} == {"email", "last_name", "first_name"}


@pytest.mark.parametrize("status", [400, 404, 410, 422, 499])
async def test_a_property_that_was_made_whatever_hubspot_said_is_left_out_of_nobody(
    crm: World, status: int
) -> None:
    """Who is made without the customer's id would stay without it."""
    crm.sandbox.faults.set(
        "crm", Fault("status", status=status, match="POST /properties", applied=True)
    )
    assert (await crm.register()).channel("crm")["outcome"] == "delivered"
    (contact,) = crm.sandbox.hubspot.contacts.values()
    assert contact.properties["shopify_customer_id"]


@pytest.mark.parametrize(("status", "outcome"), [(499, "retrying"), (400, "delivered")])
async def test_only_a_refusal_to_make_a_property_leaves_it_out(
    crm: World, status: int, outcome: str
) -> None:
    crm.sandbox.faults.set("crm", Fault("status", status=status, match="POST /properties"))
    assert (await crm.register()).channel("crm")["outcome"] == outcome
