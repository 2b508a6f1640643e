"""What Shopify refuses, and phones that cost no registration."""

from pathlib import Path

import pytest

from gateway.sandbox import Fault, SandboxOptions, ShopifyOptions
from tests.e2e.evidence import (
    assert_problem,
    fields_of,
    rows_in,
    told,
)
from tests.e2e.guests import CREATE, guest
from tests.world import TARO, Reply, World, a_world, registration


def user_error(*path: str, message: str = "is invalid") -> Fault:
    payload = {"customer": None, "userErrors": [{"field": ["input", *path], "message": message}]}
    body = {"data": {CREATE: payload}}
    return Fault("status", status=200, body=body, match=CREATE, times=1)


REFUSALS = {
    "email": ("email",),
    "first_name": ("firstName",),
    "last_name": ("lastName",),
    "locale": ("locale",),
    "accepts_marketing": ("emailMarketingConsent", "marketingState"),
    "address.postal_code": ("addresses", "0", "zip"),
    "address.prefecture": ("addresses", "0", "provinceCode"),
    "address.country": ("addresses", "0", "countryCode"),
    "address.city": ("addresses", "0", "city"),
    "address.address1": ("addresses", "0", "address1"),
    "address.address2": ("addresses", "0", "address2"),
    "last_kana": ("metafields", "0", "value"),
    "first_kana": ("metafields", "1", "value"),
    "birth_date": ("metafields", "4", "value"),
}


@pytest.mark.parametrize(("field", "path"), REFUSALS.items(), ids=REFUSALS.keys())
async def test_what_shopify_refuses_is_422_with_our_fields_name(
    quick: World, field: str, path: tuple[str, ...]
) -> None:
    quick.sandbox.faults.set("shopify", user_error(*path))
    reply = await quick.register()
    assert_problem(reply, 422)
    assert fields_of(reply) == [field]
    assert told(quick) == []
    assert await rows_in(quick, "registrations") == await rows_in(quick, "intents") == 0
    assert (await quick.register()).status == 201


async def test_an_old_carrier_address_that_shopify_refuses_is_422_on_email(tmp_path: Path) -> None:
    options = SandboxOptions(shopify=ShopifyOptions(carrier_addresses=False))
    async with a_world(tmp_path, options) as world:
        reply = await world.register(email="ab..cd@docomo.ne.jp")
        assert_problem(reply, 422)
        assert fields_of(reply) == ["email"]
        assert "docomo" not in reply.raw.decode()
        assert told(world) == []


# -- phones


def assert_phone_kept_elsewhere(world: World, reply: Reply, *, on_address: bool) -> None:
    assert reply.status == 201, reply.raw
    assert [warning["field"] for warning in reply.body["warnings"]] == ["phone"]
    customer = world.sandbox.shopify.store.by_email(TARO["email"])
    assert customer is not None
    assert customer.phone is None
    kept = customer.default_address.phone if customer.default_address else None
    if on_address:
        assert kept == "+819012345678"
    else:
        found = customer.metafield("registration", "phone")
        assert (found or "").replace("-", "") in {"09012345678", "+819012345678"}
    (member,) = world.sandbox.smaregi.members.values()
    assert member["mobileNumber"] == "090-1234-5678"


@pytest.mark.parametrize("on_address", [True, False])
async def test_a_phone_of_somebody_else_costs_no_registration(
    quick: World, on_address: bool
) -> None:
    quick.sandbox.shopify.add_customer(email="hanako@example.jp", phone="+819012345678")
    body = registration() if on_address else registration(address=None)
    reply = await quick.post("/v1/registrations", body)
    assert_phone_kept_elsewhere(quick, reply, on_address=on_address)
    shown = await quick.get(f"/v1/registrations/{reply.body['id']}")
    assert shown.body["warnings"] == reply.body["warnings"]


async def test_a_phone_that_shopify_refuses_costs_no_registration(quick: World) -> None:
    quick.sandbox.faults.set("shopify", user_error("phone", message="Phone is invalid"))
    assert_phone_kept_elsewhere(quick, await quick.register(), on_address=True)


async def test_a_taken_phone_and_a_taken_email_are_409(quick: World) -> None:
    quick.sandbox.shopify.add_customer(email=TARO["email"], phone="+819012345678", state="ENABLED")
    assert_problem(await quick.register(), 409, "already-registered")


async def test_a_guest_adopted_with_a_phone_of_somebody_else_is_warned_about(
    quick: World,
) -> None:
    guest(quick)
    quick.sandbox.shopify.add_customer(email="hanako@example.jp", phone="+819012345678")
    reply = await quick.register()
    assert reply.body["shopify_action"] == "adopted"
    assert_phone_kept_elsewhere(quick, reply, on_address=True)
