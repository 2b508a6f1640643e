"""What had to be changed to fit is kept with the delivery and shown: the field, never the value."""

import json
from pathlib import Path
from typing import Any

from gateway.sandbox import HubspotOptions, SandboxOptions
from tests.e2e.evidence import personal_data_in
from tests.world import World, a_world, registration

ADDRESS = registration()["address"]
LONG = {
    "last_name": "山田" * 50,
    "last_kana": "ヤマダ・" * 25,
    "first_kana": "タ゠ロウ",
    "address": ADDRESS | {"address1": "道玄坂1-2-3", "address2": "ABCビル " * 30},
    "phone": "03-1234-5678 内線1234567",
}


async def adjustments(world: World, channel: str) -> dict[str, str]:
    reply = await world.get(f"/v1/deliveries?channel={channel}")
    (row,) = reply.body["deliveries"]
    assert row["outcome"] == "delivered"
    assert personal_data_in(json.dumps(row["adjustments"], ensure_ascii=False)) == []
    (stored,) = await world.deliveries(channels=(channel,))
    assert row["adjustments"] == list(stored.adjustments)
    return {note["field"]: note["change"] for note in row["adjustments"]}


async def test_what_smaregi_has_no_room_for_is_told_and_stays_whole_in_shopify(
    world: World,
) -> None:
    reply = await world.register(**LONG)
    assert reply.status == 201, reply.raw
    noted = await adjustments(world, "smaregi")
    assert noted == {
        "last_name": "cut at 85 characters",
        "last_kana": "cut at 85 characters",
        "first_kana": "changed to fit full-width katakana",
        "address": "cut at 85 characters",
        "phone": "its extension is left out: over 20 characters",
    }
    (customer,) = (await world.core.shopify.read([7000000000001])).values()
    assert customer.profile.last_name == LONG["last_name"]
    assert customer.profile.phone == LONG["phone"]


async def test_what_fits_is_not_remarked_on(world: World) -> None:
    reply = await world.register()
    assert reply.body["warnings"] == []
    for channel in ("smaregi", "crm", "email"):
        assert await adjustments(world, channel) == {}


async def test_properties_that_an_account_lacks_are_told(tmp_path: Path) -> None:
    options = SandboxOptions(hubspot=HubspotOptions(property_scope=False))
    async with a_world(tmp_path, options) as world:
        await world.register()
        noted = await adjustments(world, "crm")
    assert set(noted) == {
        "last_kana",
        "first_kana",
        "birth_date",
        "shopify_customer_id",
        "accepts_marketing",
    }
    assert noted["birth_date"] == "left out: HubSpot has no property date_of_birth"


async def test_an_address_that_shopify_gets_otherwise_is_a_warning_of_the_answer(
    world: World,
) -> None:
    address: dict[str, Any] = {"prefecture": "東京都", "address1": "埼玉県浦和市岸町7-10-23"}
    reply = await world.register(address=address)
    assert {w["field"] for w in reply.body["warnings"]} == {"address.city", "address.prefecture"}
    assert personal_data_in(json.dumps(reply.body["warnings"], ensure_ascii=False)) == []
    again = await world.get(f"/v1/registrations/{reply.body['id']}")
    assert again.body["warnings"] == reply.body["warnings"]


async def test_an_address_made_elsewhere_is_mended_for_smaregi_and_told(world: World) -> None:
    """A guest's address is as the checkout wrote it: Shopify keeps it, Smaregi gets today's."""
    world.sandbox.shopify.add_customer(
        email="taro@example.com",
        addresses=[{"countryCode": "JP", "provinceCode": "JP-11", "address1": "浦和市岸町7-10-23"}],
    )
    reply = await world.register()
    assert reply.body["shopify_action"] == "adopted"
    assert reply.body["warnings"] == []
    assert await adjustments(world, "smaregi") == {
        "address": "the municipality has its name of today"
    }


async def test_a_language_without_a_mail_is_kept_and_the_mail_is_in_english(world: World) -> None:
    reply = await world.register(locale="pt_BR")
    (warning,) = reply.body["warnings"]
    assert warning["field"] == "locale"
    assert "English" in warning["message"]
    (customer,) = (await world.core.shopify.read([7000000000001])).values()
    assert customer.profile.locale == "pt-BR"
    (mail,) = world.sandbox.mail.messages
    assert "Welcome" in mail.subject
    again = await world.register(locale="pt_BR")
    assert again.raw == reply.raw
    for locale in ("ja", "ja-JP", "en", "en-GB"):
        number = {"ja": 1, "ja-JP": 2, "en": 3, "en-GB": 4}[locale]
        assert (await world.register(number=number, locale=locale)).body["warnings"] == []


async def test_a_phone_abroad_goes_by_the_addresss_country_and_is_never_refused(
    world: World,
) -> None:
    hong_kong = {"country": "HK", "city": "Kowloon", "address1": "1 Nathan Road"}
    reply = await world.register(phone="9123 4567", address=hong_kong)
    assert (reply.status, reply.body["warnings"]) == (201, [])
    kept = await world.register(email="b@example.com", phone="06-1234-5678", address=hong_kong)
    assert [warning["field"] for warning in kept.body["warnings"]] == ["phone"]
    again = await world.get(f"/v1/registrations/{kept.body['id']}")
    assert again.body["warnings"] == kept.body["warnings"]
    first, second = world.sandbox.shopify.customers.values()
    assert (first.phone, second.phone) == ("+85291234567", None)
