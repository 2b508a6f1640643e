"""Changes at the till, through the webhooks of the stand-ins, with them as judges."""

from pathlib import Path
from typing import Any, Literal

import pytest

from gateway.sandbox import SandboxOptions, SmaregiOptions
from tests.sync.pos.scene import (
    at_the_till,
    contact,
    in_shopify,
    member,
    quiet,
    record,
    signed_up,
    writes,
)
from tests.sync.webhooks.conftest import connect
from tests.world import World, a_world


@pytest.mark.parametrize(
    ("changed", "profile", "crm"),
    [
        ({"lastName": "佐藤"}, {"last_name": "佐藤"}, {"lastname": "佐藤"}),
        ({"lastKana": "サトウ"}, {"last_kana": "サトウ"}, {"last_name_kana": "サトウ"}),
        ({"firstKana": None}, {"first_kana": ""}, {"first_name_kana": ""}),
        ({"mobileNumber": "080-9876-5432"}, {"phone": "+818098765432"}, {"phone": "+818098765432"}),
        ({"mobileNumber": None}, {"phone": ""}, {"phone": ""}),
        (
            {"birthDate": "1991-05-02"},
            {"birth_date": "1991-05-02"},
            {"date_of_birth": "1991-05-02"},
        ),
    ],
)
async def test_a_change_at_the_till_reaches_shopify_and_the_crm(
    synced: World, changed: dict[str, Any], profile: dict[str, str], crm: dict[str, str]
) -> None:
    await signed_up(synced)
    await at_the_till(synced, **changed)
    there = await in_shopify(synced)
    assert {name: getattr(there, name) for name in profile} == profile
    assert {name: contact(synced)[name] or "" for name in crm} == crm
    assert writes(synced, "smaregi") == []
    assert len(writes(synced, "crm")) == 1


@pytest.mark.parametrize("blanks", ["null", "left out"])
async def test_a_change_is_told_whatever_blank_columns_look_like(
    tmp_path: Path, blanks: Literal["null", "left out"]
) -> None:
    """A sign-up with a mobile number alone; nothing that is only left out is taken for cleared."""
    options = SandboxOptions(smaregi=SmaregiOptions(blanks=blanks))
    async with a_world(tmp_path, options, SMAREGI_SYNC_CHANGES="true") as world:
        world.core.events.handlers["smaregi"].rest = 0.05
        await connect(world)
        await signed_up(world, birth_date=None)
        await at_the_till(world, mobileNumber="080-9876-5432", address="東京都新宿区西新宿2-8-1")
        there = await in_shopify(world)
        assert there.phone == "+818098765432"
        assert there.address is not None
        assert there.address.city == "新宿区"
        assert (there.last_name, there.last_kana) == ("山田", "ヤマダ")
        assert writes(world, "smaregi") == []


async def test_an_address_of_one_line_is_taken_apart(synced: World) -> None:
    await signed_up(synced)
    await at_the_till(synced, postCode="530-0001", address="大阪府大阪市北区梅田1-1-3 大阪ビル 12F")
    address = (await in_shopify(synced)).address
    assert (address.prefecture, address.city) == ("JP-27", "大阪市北区")
    assert (address.address1, address.address2) == ("梅田1-1-3", "大阪ビル 12F")
    assert address.postal_code == "530-0001"
    assert contact(synced)["city"] == "大阪市北区"
    assert writes(synced, "smaregi") == []


@pytest.mark.parametrize(
    "changed",
    [
        {"address": "東京都渋谷区道玄坂１丁目２番３号　ＡＢＣビル ５Ｆ"},
        {"mobileNumber": "09012345678"},
        {"postCode": "1500043"},
        {"lastKana": "ﾔﾏﾀﾞ"},
        {"lastName": "未入力"},
        {"firstName": "-"},
        {"phoneNumber": "03-1234-5678"},
        {"note": "likes tea"},
        {"point": "120"},
    ],
)
async def test_what_says_the_same_or_nothing_changes_nothing(
    synced: World, changed: dict[str, str]
) -> None:
    await signed_up(synced)
    if "lastKana" in changed:  # the stand-in takes full-width kana only
        synced.sandbox.smaregi.members[next(iter(synced.sandbox.smaregi.members))] |= changed
        changed = {"note": "-"}
    before = await in_shopify(synced)
    await at_the_till(synced, **changed)
    assert await in_shopify(synced) == before
    for system in ("shopify", "smaregi", "crm"):
        assert writes(synced, system) == []


async def test_nothing_goes_back_unless_that_is_wanted(synced: World) -> None:
    synced.set(SMAREGI_SYNC_CHANGES="false")
    await signed_up(synced)
    await at_the_till(synced, lastName="佐藤")
    assert (await in_shopify(synced)).last_name == "山田"
    assert writes(synced, "shopify") == []


async def test_what_differed_when_the_two_were_linked_is_left_alone(synced: World) -> None:
    synced.sandbox.smaregi.add(
        customerCode="00001",
        lastName="山田",
        firstName="太朗",
        phoneNumber="03-5555-6666",
        address="東京都新宿区西新宿2-8-1",
        mailAddress="taro@example.com",
    )
    await signed_up(synced)
    await at_the_till(synced, note="came by")
    before = await in_shopify(synced)
    assert (before.first_name, before.phone) == ("太郎", "+819012345678")
    assert writes(synced, "shopify") == []
    await at_the_till(synced, firstName="太朗子")
    after = await in_shopify(synced)
    assert (after.first_name, after.phone, after.address) == (
        "太朗子",
        before.phone,
        before.address,
    )
    assert member(synced)["phoneNumber"] == "03-5555-6666"


async def test_shopify_wins_where_both_changed_and_the_loser_is_recorded(
    synced: World, caplog: pytest.LogCaptureFixture
) -> None:
    await signed_up(synced)
    synced.sandbox.shopify.webhooks.pause()
    synced.sandbox.smaregi.webhooks.pause()
    record(synced).last_name = "高橋"
    await at_the_till(synced, lastName="佐藤", lastKana="サトウ")
    synced.sandbox.smaregi.webhooks.flush()
    await quiet(synced)
    there = await in_shopify(synced)
    assert (there.last_name, there.last_kana) == ("高橋", "サトウ")
    assert (member(synced)["lastName"], member(synced)["lastKana"]) == ("高橋", "サトウ")
    assert contact(synced)["lastname"] == "高橋"
    (update,) = [
        d for d in await synced.deliveries() if d.kind == "update" and d.channel == "smaregi"
    ]
    assert {
        "field": "lastName",
        "change": "the till's change lost to Shopify's",
    } in update.adjustments
    assert "Shopify's counts: last_name" in caplog.text
    assert "佐藤" not in caplog.text


async def test_the_loser_is_recorded_too_where_shopifys_change_came_first(synced: World) -> None:
    await signed_up(synced)
    synced.sandbox.smaregi.webhooks.pause()
    await at_the_till(synced, lastName="佐藤")
    await synced.patch(f"/v1/customers/{record(synced).id}", {"last_name": "高橋"})
    synced.sandbox.smaregi.webhooks.flush()
    await quiet(synced)
    assert member(synced)["lastName"] == (await in_shopify(synced)).last_name == "高橋"
    (update,) = [
        d for d in await synced.deliveries() if d.kind == "update" and d.channel == "smaregi"
    ]
    assert {
        "field": "lastName",
        "change": "the till's change lost to Shopify's",
    } in update.adjustments


async def test_what_was_once_overruled_flows_again_when_it_changes_again(synced: World) -> None:
    await signed_up(synced)
    synced.sandbox.shopify.webhooks.pause()
    record(synced).last_name = "高橋"
    await at_the_till(synced, lastName="佐藤")
    synced.sandbox.shopify.webhooks.flush()
    await quiet(synced)
    await at_the_till(synced, lastName="鈴木")
    assert (await in_shopify(synced)).last_name == "鈴木"
    assert contact(synced)["lastname"] == "鈴木"
    assert member(synced)["lastName"] == "鈴木"


async def test_an_address_that_lost_leaves_nothing_of_itself_at_the_till(synced: World) -> None:
    customer_id = await signed_up(synced)
    await synced.patch(f"/v1/customers/{customer_id}", {"address": None})
    await quiet(synced)
    synced.sandbox.shopify.webhooks.pause()
    record(synced).default_address.city = "札幌市中央区"
    await at_the_till(synced, postCode="1000001", address="東京都千代田区千代田1-1")
    assert member(synced)["address"] == "北海道札幌市中央区"
    assert not member(synced)["postCode"]


async def test_a_landline_beside_the_mobile_number_is_no_loser(synced: World) -> None:
    await signed_up(synced)
    synced.sandbox.shopify.webhooks.pause()
    record(synced).phone = "+818098765432"
    await at_the_till(synced, phoneNumber="03-1234-5678")
    there = member(synced)
    assert (there["mobileNumber"], there["phoneNumber"]) == ("080-9876-5432", "03-1234-5678")


async def test_what_smaregi_refuses_to_empty_does_not_come_back(synced: World) -> None:
    customer_id = await signed_up(synced)
    synced.sandbox.smaregi.required = {"lastKana"}
    reply = await synced.patch(f"/v1/customers/{customer_id}", {"last_kana": None})
    assert reply.channel("smaregi")["outcome"] == "delivered"
    await quiet(synced)
    await at_the_till(synced, note="seen")
    assert member(synced)["lastKana"] == "ヤマダ"
    assert (await in_shopify(synced)).last_kana == ""


async def test_a_placeholder_of_the_gateway_never_reaches_shopify(synced: World) -> None:
    synced.sandbox.smaregi.required = {"phoneNumber", "birthDate", "postCode", "address"}
    await synced.core.smaregi.required.read_again()
    await signed_up(synced, phone=None, birth_date=None, address=None)
    assert member(synced)["postCode"] == "000-0000"
    await at_the_till(synced, lastName="佐藤", address="東京都渋谷区道玄坂1-2-3")
    there = await in_shopify(synced)
    assert (there.last_name, there.phone, there.birth_date) == ("佐藤", "", "")
    assert (there.address.postal_code, there.address.address1) == ("", "道玄坂1-2-3")
