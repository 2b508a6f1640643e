"""PATCH /v1/customers/{id}: Shopify, then the channels, through the real front door."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Kind, Outcome
from gateway.sandbox import Fault
from tests.e2e.evidence import assert_problem, fields_of, personal_data_in, rows_in, told
from tests.world import Reply, World


async def registered(world: World, **changes: Any) -> int:
    reply = await world.register(**changes)
    assert reply.status == 201
    return int(reply.body["member_number"])


async def patch(world: World, customer_id: int, **changes: Any) -> Reply:
    return await world.patch(f"/v1/customers/{customer_id}", changes)


def shopify(world: World, customer_id: int) -> Any:
    return world.sandbox.shopify.customers[customer_id]


def member(world: World) -> Any:
    (row,) = world.sandbox.smaregi.members.values()
    return row


def contact(world: World) -> Any:
    (found,) = world.sandbox.hubspot.contacts.values()
    return found.properties


async def updates(world: World) -> list[str]:
    return [str(d.outcome) for d in await world.deliveries() if d.kind is Kind.UPDATE]


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


FRANCE = {"country": "FR", "postal_code": "75001", "city": "Paris", "address1": "1 Rue de Rivoli"}


async def test_a_phone_alone_is_read_by_the_country_of_shopifys_address(world: World) -> None:
    number = await registered(world, phone="", address=FRANCE)
    reply = await patch(world, number, phone="06 12 34 56 78")
    assert (reply.status, reply.body["warnings"]) == (200, [])
    assert shopify(world, number).phone == "+33612345678"
    assert member(world)["mobileNumber"] == "+33 6 12 34 56 78"


async def test_a_phone_that_is_none_abroad_is_kept_as_written_with_a_warning(world: World) -> None:
    number = await registered(world, phone="", address=FRANCE)
    reply = await patch(world, number, phone="090-1234-5678")
    assert reply.status == 200
    assert [warning["field"] for warning in reply.body["warnings"]] == ["phone"]
    assert not shopify(world, number).phone
    assert member(world)["phoneNumber"] == "090-1234-5678"


async def test_a_phone_alone_that_is_none_in_japan_is_422_and_changes_nothing(
    world: World,
) -> None:
    number = await registered(world)
    world.sandbox.journal.clear()
    reply = await patch(world, number, phone="212-555-0100", last_name="佐藤")
    assert_problem(reply, 422, "invalid-data")
    assert fields_of(reply) == ["phone"]
    assert list(world.sandbox.journal.writes("shopify")) == told(world) == []


async def test_a_taken_phone_is_kept_aside_with_a_warning(world: World) -> None:
    await registered(world, email="wife@example.com", phone="090-7777-6666")
    number = await registered(world)
    reply = await patch(world, number, phone="090-7777-6666")
    assert reply.status == 200
    assert [warning["field"] for warning in reply.body["warnings"]] == ["phone"]
    record = shopify(world, number)
    assert record.phone is None
    assert record.addresses[0].phone == "+819077776666"
    assert record.metafield("registration", "phone") == "090-7777-6666"
    assert world.sandbox.smaregi.members[2]["mobileNumber"] == "090-7777-6666"
    back = await patch(world, number, phone="090-1234-5678")
    assert back.body["warnings"] == []
    assert shopify(world, number).phone == "+819012345678"
    assert shopify(world, number).metafield("registration", "phone") is None


async def test_the_same_change_again_writes_nothing(world: World) -> None:
    number = await registered(world)
    await patch(world, number, last_name="佐藤", phone="090-5555-4444")
    world.sandbox.journal.clear()
    reply = await patch(world, number, last_name="佐藤", phone="090-5555-4444")
    assert reply.body["status"] == "complete"
    assert set(reply.body["channels"]) == {"smaregi", "crm"}
    assert list(world.sandbox.journal.writes("shopify")) == told(world) == []


@pytest.mark.parametrize("match", ["customerUpdate", "ConsentUpdate", "AddressUpdate"])
async def test_a_change_whose_answer_was_lost_is_made_again(world: World, match: str) -> None:
    number = await registered(world)
    world.sandbox.faults.set("shopify", Fault("drop", times=1, match=match))
    address = {"postal_code": "530-0001", "city": "大阪市北区", "address1": "梅田1-1"}
    reply = await patch(world, number, last_name="佐藤", accepts_marketing=False, address=address)
    assert reply.status == 200, reply.body
    assert member(world)["lastName"] == "佐藤"
    assert member(world)["mailReceiveFlag"] == "0"
    assert "梅田" in member(world)["address"]


async def test_where_shopify_cannot_be_reached_it_is_503_and_the_channels_follow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await registered(world)
    world.sandbox.journal.clear()
    change = world.core.shopify.change

    async def loses_its_answer(*arguments: Any) -> Any:
        await change(*arguments)
        raise UpstreamError("shopify", "customerUpdate", ErrorClass.TIMEOUT, "no answer")

    monkeypatch.setattr(world.core.shopify, "change", loses_its_answer)
    reply = await patch(world, number, last_name="佐藤")
    assert_problem(reply, 503)
    assert reply.headers["Retry-After"]
    assert "registration" not in reply.body["detail"]
    assert await updates(world) == ["pending", "pending"]
    assert told(world) == []
    await world.restart()
    await world.until(lambda: member(world)["lastName"] == contact(world)["lastname"] == "佐藤")


async def test_nothing_is_sent_where_nothing_changed_after_a_503(world: World) -> None:
    number = await registered(world)
    world.sandbox.journal.clear()
    world.sandbox.faults.set("shopify", Fault("refuse"))
    assert_problem(await patch(world, number, last_name="佐藤"), 503)
    world.sandbox.faults.clear()
    await world.restart()
    async with asyncio.timeout(30):
        while await updates(world) != ["delivered", "delivered"]:
            await asyncio.sleep(0.01)
    assert told(world) == []


@pytest.mark.parametrize(
    "flags", [{"FLAG_UPDATES": "off"}, {"FLAG_SMAREGI": "off", "FLAG_CRM": "off"}]
)
async def test_off_reaches_shopify_alone_and_opens_no_delivery(
    world: World, flags: dict[str, str]
) -> None:
    number = await registered(world)
    world.set(**flags)
    rows = await rows_in(world, "deliveries")
    reply = await patch(world, number, last_name="佐藤")
    assert reply.body["channels"] == {}
    assert reply.body["status"] == "complete"
    assert shopify(world, number).last_name == "佐藤"
    assert await rows_in(world, "deliveries") == rows


@pytest.mark.parametrize(("mode", "outcome"), [("hold", "held"), ("dry_run", "dry_run")])
async def test_hold_and_dry_run_are_told_and_write_nothing(
    world: World, mode: str, outcome: str
) -> None:
    number = await registered(world)
    world.set(FLAG_UPDATES=mode)
    world.sandbox.journal.clear()
    reply = await patch(world, number, last_name="佐藤")
    assert {c["outcome"] for c in reply.body["channels"].values()} == {outcome}
    assert reply.body["status"] == "complete"
    assert told(world) == []


@pytest.mark.parametrize(
    ("mode", "outcome"), [("off", "delivered"), ("hold", "held"), ("dry_run", "dry_run")]
)
async def test_opting_out_goes_at_once_whatever_the_flag_says(
    world: World, mode: str, outcome: str
) -> None:
    number = await registered(world)
    world.set(FLAG_SMAREGI=mode)
    reply = await patch(world, number, accepts_marketing=False, last_name="佐藤")
    assert member(world)["mailReceiveFlag"] == "0"
    assert member(world)["lastName"] == "山田"
    assert reply.channel("smaregi")["outcome"] == outcome
    assert reply.channel("crm")["outcome"] == "delivered"
    world.set(FLAG_SMAREGI="on")
    await patch(world, number, first_name="次郎")
    assert member(world)["lastName"] == "佐藤"


async def test_opting_out_is_tried_again_until_it_arrives_whatever_the_flag_says(
    world: World,
) -> None:
    number = await registered(world)
    world.set(FLAG_CRM="off")
    world.sandbox.faults.set("crm", Fault("status", status=500, times=1))
    reply = await patch(world, number, accepts_marketing=False, last_name="佐藤")
    assert reply.channel("crm")["outcome"] == "retrying"
    assert await world.replay() == 1
    assert contact(world)["accepts_marketing"] == "false"
    assert contact(world)["lastname"] == "山田"


async def test_a_channel_that_fails_has_its_change_later_and_hinders_no_other(
    world: World,
) -> None:
    number = await registered(world)
    world.sandbox.faults.set("smaregi", Fault("status", status=500))
    reply = await patch(world, number, last_name="佐藤")
    assert reply.body["status"] == "partial"
    assert reply.channel("smaregi")["outcome"] == "retrying"
    assert reply.channel("crm")["outcome"] == "delivered"
    assert (await patch(world, number, first_name="次郎")).body["status"] == "partial"
    assert len(await updates(world)) == 3
    world.sandbox.faults.clear()
    await world.replay()
    assert (member(world)["lastName"], member(world)["firstName"]) == ("佐藤", "次郎")


async def test_a_lost_write_is_undone_by_a_change_back(world: World) -> None:
    """The marks alone would say that nothing differs; the channel has what the lost write left."""
    number = await registered(world)
    world.sandbox.faults.set("crm", Fault("drop", times=1, match="PATCH"))
    assert (await patch(world, number, last_name="佐藤")).body["status"] == "partial"
    assert contact(world)["lastname"] == "佐藤"
    await patch(world, number, last_name="山田")
    await world.replay()
    assert contact(world)["lastname"] == "山田"


async def test_changes_of_one_customer_go_one_after_the_other(world: World) -> None:
    number = await registered(world)
    world.sandbox.delays["shopify"] = 0.02
    names = [f"名{i}" for i in range(6)]
    replies = await asyncio.gather(*(patch(world, number, first_name=name) for name in names))
    assert {reply.status for reply in replies} == {200}
    assert shopify(world, number).first_name == names[-1]
    assert member(world)["firstName"] == contact(world)["firstname"] == names[-1]


async def test_a_caller_who_hangs_up_cancels_nothing(world: World) -> None:
    number = await registered(world)
    world.sandbox.delays["shopify"] = 0.2
    task = asyncio.create_task(patch(world, number, last_name="佐藤"))
    await world.until(world.core.deliverer.has_work)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await world.until(lambda: member(world)["lastName"] == contact(world)["lastname"] == "佐藤")


async def test_a_proven_email_releases_a_registration_that_waits(world: World) -> None:
    world.set(SMAREGI_LINK_UNVERIFIED="false")
    world.sandbox.smaregi.add(
        mailAddress="taro@example.com", lastName="山田", firstName="太郎", birthDate="1990-04-01"
    )
    reply = await world.register(email_verified=False)
    assert reply.channel("smaregi")["error_class"] == "conflict"
    number = reply.body["shopify_customer_id"].rpartition("/")[2]
    after = await patch(world, int(number), email_verified=True)
    assert after.channel("smaregi") == {
        "outcome": "delivered",
        "action": "linked",
        "reference": "1",
    }
    assert after.body["member_number"] == number


async def test_the_rate_and_the_key_are_those_of_registrations(world: World) -> None:
    number = await registered(world)
    world.set(GATEWAY_API_KEYS="a-key-of-16-letters", GATEWAY_RATE_LIMIT="1")
    assert (await patch(world, number, first_name="x")).status == 401
    key = {"Authorization": "Bearer a-key-of-16-letters"}
    path = f"/v1/customers/{number}"
    assert (await world.patch(path, {"first_name": "x"}, headers=key)).status == 200
    reply = await world.patch(path, {"first_name": "x"}, headers=key)
    assert_problem(reply, 429)
    assert reply.headers["Retry-After"]


@pytest.mark.parametrize("moment", ["before Shopify", "after Shopify"])
async def test_a_gateway_that_dies_in_between_brings_the_channels_up_to_date_at_its_next_start(
    world: World, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await registered(world)
    change = world.core.shopify.change

    async def dies(*arguments: Any) -> Any:
        if moment == "after Shopify":
            await change(*arguments)
        raise SystemError(moment)

    monkeypatch.setattr(world.core.shopify, "change", dies)
    assert (await patch(world, number, last_name="佐藤")).status == 500
    assert await updates(world) == ["pending", "pending"]
    assert all(
        d.next_attempt_at is not None for d in await world.deliveries(outcomes=(Outcome.PENDING,))
    ), "not due while Shopify may still be at it"
    await world.restart()
    wanted = "佐藤" if moment == "after Shopify" else "山田"
    async with asyncio.timeout(30):
        while await updates(world) != ["delivered", "delivered"]:
            await asyncio.sleep(0.01)
    assert shopify(world, number).last_name == wanted
    assert member(world)["lastName"] == contact(world)["lastname"] == wanted
