"""PATCH /v1/customers/{id}: Shopify, then the channels, through the real front door."""

from urllib.parse import quote

import pytest

from tests.e2e.evidence import assert_problem, fields_of, personal_data_in, rows_in, told
from tests.sync.updates.patching import contact, member, patch, registered, shopify
from tests.world import World


async def test_a_change_reaches_shopify_and_every_channel_and_is_answered(world: World) -> None:
    number = await registered(world)
    world.sandbox.journal.clear()
    reply = await patch(world, number, last_name="佐藤", email="new@example.com")
    assert reply.status == 200
    assert reply.body == {
        "status": "complete",
        "shopify_customer_id": f"gid://shopify/Customer/{number}",
        "member_number": str(number),
        "warnings": [],
        "channels": {
            "smaregi": {"outcome": "delivered", "action": "updated", "reference": "1"},
            "crm": {
                "outcome": "delivered",
                "action": "updated",
                "reference": str(*world.sandbox.hubspot.contacts),
            },
        },
    }
    assert (shopify(world, number).last_name, shopify(world, number).first_name) == ("佐藤", "太郎")
    assert member(world)["lastName"] == contact(world)["lastname"] == "佐藤"
    assert member(world)["mailAddress"] == contact(world)["email"] == "new@example.com"
    assert len(told(world)) == 2
    assert len(world.sandbox.journal.writes("shopify")) == 1
    assert len(world.sandbox.mail.messages) == 1


@pytest.mark.parametrize("form", ["{}", "gid://shopify/Customer/{}"])
async def test_the_customer_is_named_by_number_or_gid(world: World, form: str) -> None:
    number = await registered(world)
    path = quote(form.format(number), safe="")
    reply = await world.patch(f"/v1/customers/{path}", {"first_name": "次郎"})
    assert reply.status == 200
    plain = await world.patch(f"/v1/customers/{form.format(number)}", {"first_name": "三郎"})
    assert plain.status == 200
    assert member(world)["firstName"] == "三郎"


async def test_every_field_can_be_changed(world: World) -> None:
    number = await registered(world)
    address = {"postal_code": "530-0001", "prefecture": "大阪府", "city": "大阪市北区"}
    reply = await patch(
        world,
        number,
        last_kana="サトウ",
        first_kana="ハナコ",
        phone="090-9999-0000",
        birth_date="1991-05-02",
        gender="female",
        address=address | {"address1": "梅田1-1"},
        accepts_marketing=False,
        locale="en",
    )
    assert reply.body["status"] == "complete", reply.body
    record = shopify(world, number)
    metafields = {f"{f.namespace}.{f.key}": f.value for f in record.metafields.values()}
    assert metafields["registration.last_kana"] == "サトウ"
    assert metafields["registration.gender"] == "female"
    assert metafields["registration.locale"] == record.locale == "en"
    assert metafields["facts.birth_date"] == "1991-05-02"
    assert record.consent.state == "UNSUBSCRIBED"
    assert record.phone == "+819099990000"
    (placed,) = record.addresses
    assert (placed.city, placed.address1, placed.address2) == ("大阪市北区", "梅田1-1", None)
    assert placed.phone == record.phone
    row = member(world)
    assert (row["lastKana"], row["firstKana"], row["sex"]) == ("サトウ", "ハナコ", "2")
    assert (row["mobileNumber"], row["birthDate"]) == ("090-9999-0000", "1991-05-02")
    assert row["address"] == "大阪府大阪市北区梅田1-1"
    assert row["mailReceiveFlag"] == "0"
    assert contact(world)["city"] == "大阪市北区"
    assert contact(world)["accepts_marketing"] == "false"


@pytest.mark.parametrize("blank", [None, ""])
async def test_a_blank_clears_an_optional_field_everywhere(world: World, blank: str | None) -> None:
    number = await registered(world)
    names = ("last_kana", "first_kana", "phone", "birth_date", "gender", "address")
    reply = await patch(world, number, **dict.fromkeys(names, blank))
    assert reply.body["status"] == "complete", reply.body
    record = shopify(world, number)
    assert record.phone is None
    assert {f.key for f in record.metafields.values()} == {"id", "locale"}
    assert not record.default_address.address1
    row, properties = member(world), contact(world)
    blank_now = ("lastKana", "mobileNumber", "birthDate", "address", "postCode")
    assert not any(row[name] for name in blank_now)
    assert row["sex"] == "0"
    names = ("last_name_kana", "phone", "date_of_birth", "zip", "city", "country")
    assert [properties[name] for name in names] == [""] * 6


async def test_every_wrong_field_is_listed_and_nothing_is_sent(world: World) -> None:
    number = await registered(world)
    world.sandbox.journal.clear()
    reply = await patch(world, number, email=None, phone="abc", nosuch=1)
    assert_problem(reply, 422, "invalid-data")
    assert sorted(fields_of(reply)) == ["email", "nosuch", "phone"]
    assert list(world.sandbox.journal.writes("shopify")) == told(world) == []


@pytest.mark.parametrize("name", ["7999", "nobody", "0x1", "gid%3A%2F%2Fshopify%2FOrder%2F1"])
async def test_an_unknown_customer_is_404_and_leaves_nothing_behind(
    world: World, name: str
) -> None:
    assert_problem(await world.patch(f"/v1/customers/{name}", {"first_name": "x"}), 404)
    assert await rows_in(world, "deliveries") == 0


async def test_a_taken_email_is_409_and_nothing_was_changed_or_is_owed(world: World) -> None:
    number = await registered(world)
    await registered(world, email="other@example.com", phone="080-1111-2222")
    rows = await rows_in(world, "deliveries")
    world.sandbox.journal.clear()
    reply = await patch(world, number, email="other@example.com", last_name="佐藤")
    assert_problem(reply, 409, "email-taken")
    assert personal_data_in(reply.raw.decode()) == []
    assert told(world) == []
    assert shopify(world, number).last_name == "山田"
    assert await rows_in(world, "deliveries") == rows


async def test_what_shopify_refuses_is_422_with_our_fields_name(world: World) -> None:
    number = await registered(world)
    rows = await rows_in(world, "deliveries")
    reply = await patch(world, number, email="a@localhost")
    assert reply.status == 422
    assert fields_of(reply) == ["email"]
    assert await rows_in(world, "deliveries") == rows
