"""Somebody with the e-mail is in Shopify already: refused, or adopted."""

from pathlib import Path

import pytest

from gateway.sandbox import Fault
from tests.e2e.evidence import (
    assert_problem,
    everything_arrived_once,
    rows_in,
    told,
)
from tests.e2e.guests import UPDATE, guest
from tests.world import World, a_world


async def test_an_email_of_an_enabled_customer_is_409_already_registered(quick: World) -> None:
    quick.sandbox.shopify.add_customer(email="Taro@Example.com", state="ENABLED")
    reply = await quick.register()
    assert_problem(reply, 409, "already-registered")
    assert told(quick) == []
    assert await rows_in(quick, "registrations") == await rows_in(quick, "intents") == 0
    (customer,) = quick.sandbox.shopify.customers.values()
    assert customer.last_name is None


async def test_somebody_whom_we_registered_is_409_with_other_data(quick: World) -> None:
    assert (await quick.register()).status == 201
    before = len(quick.sandbox.journal.applied())
    assert_problem(await quick.register(first_name="次郎"), 409, "already-registered")
    assert len(quick.sandbox.journal.applied()) == before


def subscribed(state: str) -> dict[str, str]:
    level = {"marketingOptInLevel": "SINGLE_OPT_IN"} if state == "SUBSCRIBED" else {}
    return {"marketingState": state, **level}


async def test_a_guest_is_adopted_and_goes_to_every_channel(quick: World) -> None:
    customer = guest(quick)
    reply = await quick.register()
    assert (reply.status, reply.body["shopify_action"]) == (201, "adopted")
    assert reply.body["shopify_customer_id"] == customer.gid
    assert reply.body["status"] == "complete"
    assert everything_arrived_once(quick)
    assert (customer.last_name, customer.first_name) == ("山田", "太郎")
    assert customer.phone == "+819012345678"
    assert customer.default_address.city == "渋谷区"
    assert customer.metafield("registration", "id") == reply.body["id"]
    assert customer.metafield("facts", "birth_date") == "1990-04-01"
    assert_problem(await quick.register(first_name="次郎"), 409, "already-registered")


async def test_adopting_overwrites_nothing(quick: World) -> None:
    old = {"namespace": "facts", "key": "birth_date", "type": "date", "value": "1980-01-01"}
    customer = guest(
        quick,
        firstName="Hanako",
        lastName="Sato",
        phone="+819099999999",
        addresses=[{"city": "札幌市", "address1": "北1条", "countryCode": "JP"}],
        metafields=[old],
        note="常連",
        tags=["vip"],
    )
    assert (await quick.register()).body["shopify_action"] == "adopted"
    assert (customer.first_name, customer.last_name) == ("Hanako", "Sato")
    assert customer.phone == "+819099999999"
    assert [address.city for address in customer.addresses] == ["札幌市"]
    assert customer.metafield("facts", "birth_date") == "1980-01-01"
    assert customer.metafield("registration", "last_kana") == "ヤマダ"
    assert (customer.note, customer.tags) == ("常連", ["vip"])


async def test_a_guest_takes_no_consent_address_or_birth_date_of_an_unproven_e_mail(
    quick: World,
) -> None:
    customer = guest(quick)
    reply = await quick.register(email_verified=False)
    assert (reply.status, reply.body["shopify_action"]) == (201, "adopted")
    assert [warning["field"] for warning in reply.body["warnings"]] == [
        "accepts_marketing",
        "address",
        "birth_date",
    ]
    assert (customer.last_name, customer.addresses) == ("山田", [])
    assert customer.metafield("facts", "birth_date") is None
    assert customer.consent.state == "NOT_SUBSCRIBED"
    (member,) = quick.sandbox.smaregi.members.values()
    assert (member["mailReceiveFlag"], member.get("birthDate") or "") == ("0", "")


async def test_an_unproven_guests_phone_abroad_is_no_number_in_japan(quick: World) -> None:
    customer = guest(quick)
    paris = {"country": "FR", "postal_code": "75001", "city": "Paris", "address1": "1 rue A"}
    reply = await quick.register(
        email_verified=False, phone="06 12 34 56 78", address=paris, birth_date=None
    )
    assert reply.body["shopify_action"] == "adopted"
    assert customer.phone == "+33612345678"


@pytest.mark.parametrize(
    ("before", "ticked", "after"),
    [
        (None, True, "SUBSCRIBED"),
        ("UNSUBSCRIBED", True, "SUBSCRIBED"),
        ("SUBSCRIBED", True, "SUBSCRIBED"),
        ("SUBSCRIBED", False, "SUBSCRIBED"),
        ("UNSUBSCRIBED", False, "UNSUBSCRIBED"),
        (None, False, "NOT_SUBSCRIBED"),
    ],
)
async def test_a_ticked_consent_subscribes_and_an_unticked_one_never_unsubscribes(
    quick: World, before: str | None, ticked: bool, after: str
) -> None:
    given = {} if before is None else {"emailMarketingConsent": subscribed(before)}
    customer = guest(quick, **given)
    reply = await quick.register(accepts_marketing=ticked)
    assert reply.body["shopify_action"] == "adopted"
    assert customer.consent.state == after
    (member,) = quick.sandbox.smaregi.members.values()
    assert member["mailReceiveFlag"] == str(int(after == "SUBSCRIBED"))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500, match=UPDATE),
        Fault("reset", match=UPDATE),
        Fault("drop", match=UPDATE),
        Fault("status", status=500, match="customerEmailMarketingConsentUpdate"),
    ],
    ids=["500", "reset", "applied and lost", "consent"],
)
async def test_a_half_done_adoption_is_simply_done_again(quick: World, fault: Fault) -> None:
    customer = guest(quick)
    quick.sandbox.faults.set("shopify", fault)
    first = await quick.register()
    assert first.status in {201, 503}
    assert first.status == 201 or told(quick) == []
    quick.sandbox.faults.clear()
    again = await quick.register()
    assert again.status == 201, again.raw
    assert again.body["shopify_customer_id"] == customer.gid
    assert customer.consent.state == "SUBSCRIBED"
    assert customer.metafield("registration", "id") == again.body["id"]
    await quick.until(lambda: everything_arrived_once(quick))


async def test_reject_makes_a_guest_a_409(tmp_path: Path) -> None:
    async with a_world(tmp_path, None, SHOPIFY_EXISTING_CUSTOMER="reject") as world:
        customer = guest(world)
        assert_problem(await world.register(), 409, "already-registered")
        assert customer.last_name is None
        assert told(world) == []
