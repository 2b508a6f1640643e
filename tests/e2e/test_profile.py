"""GET /v1/customers/{id}: what a form shows, and may send back without changing anything."""

import asyncio
from copy import deepcopy
from typing import Any

import pytest

from gateway.http.forms.registration import RegistrationForm
from gateway.sandbox import Fault
from gateway.wire import Lane, lane
from tests.e2e.evidence import assert_problem, personal_data_in, rows_in
from tests.world import TARO, Reply, World, a_world

HANAKO: dict[str, Any] = {"email": "hanako@example.com", "lastName": "佐藤", "firstName": "花子"}
FIELDS = RegistrationForm.model_fields.keys() - {"email_verified"}


def metafields(**values: str) -> list[dict[str, str]]:
    kind = "single_line_text_field"
    return [
        {"namespace": "registration", "key": key, "type": kind, "value": value}
        for key, value in values.items()
    ]


def at(**address: str) -> dict[str, Any]:
    return HANAKO | {"addresses": [{"countryCode": "JP", **address}]}


STRANGE: dict[str, dict[str, Any]] = {
    "an ordinary one": HANAKO,
    "an e-mail alone": {"email": "hanako@example.com"},
    "a phone alone": {"phone": "+819012345678", "firstName": "花子"},
    "a name alone": {"lastName": "佐藤"},
    "a name that no form takes": HANAKO | {"lastName": "佐藤 www.example.com", "firstName": " 花 "},
    "kana in kanji": HANAKO | {"metafields": metafields(last_kana="佐藤", first_kana="Hanako")},
    "kana in hiragana": HANAKO | {"metafields": metafields(last_kana="さとう", first_kana="ﾊﾅｺ")},
    "a gender of another program": HANAKO | {"metafields": metafields(gender="other")},
    "another locale": HANAKO | {"locale": "pt-BR"},
    "a locale in our metafield": HANAKO | {"metafields": metafields(locale="ja-JP")},
    "a phone that is none": HANAKO | {"metafields": metafields(phone="ask my wife")},
    "a phone abroad": HANAKO | {"phone": "+14155552671"},
    "a phone with an extension": HANAKO
    | {"phone": "+81312345678", "metafields": metafields(phone_written="03-1234-5678 内線12")},
    "the household's phone": at(city="渋谷区", phone="+819012345678"),
    "an address abroad": HANAKO
    | {
        "addresses": [
            {
                "countryCode": "US",
                "provinceCode": "CA",
                "zip": "90001",
                "city": "Los Angeles",
                "address1": "1 Main Street",
            }
        ]
    },
    "a country alone": at(),
    "a postal code without its hyphen": at(zip="1500043", city="渋谷区", address1="道玄坂1"),
    "a postal code that is none": at(zip="X-1", city="渋谷区"),
    "a municipality of yesterday": at(provinceCode="JP-11", city="浦和市", address1="岸町7-10-23"),
    "a prefecture that contradicts": at(provinceCode="JP-01", city="渋谷区", address1="道玄坂1"),
    "an address in one line": at(address1="東京都渋谷区道玄坂1-2-3"),
    "asked for their consent": HANAKO
    | {"emailMarketingConsent": {"marketingState": "PENDING", "marketingOptInLevel": "UNKNOWN"}},
    "subscribed": HANAKO
    | {
        "emailMarketingConsent": {
            "marketingState": "SUBSCRIBED",
            "marketingOptInLevel": "SINGLE_OPT_IN",
        }
    },
}


async def show(world: World, customer_id: int, **headers: str) -> Reply:
    return await world.get(f"/v1/customers/{customer_id}", headers=headers)


async def patch(world: World, customer_id: int, body: Any) -> Reply:
    return await world.patch(f"/v1/customers/{customer_id}", body)


async def test_a_profile_is_shown_in_the_fields_of_the_registration(quiet: World) -> None:
    number = int((await quiet.register()).body["member_number"])
    reply = await show(quiet, number)
    assert reply.status == 200
    wanted = {name: value for name, value in TARO.items() if name != "email_verified"}
    assert reply.body == wanted | {"phone": "+819012345678"}
    assert reply.headers["Cache-Control"] == "no-store"
    gid = await quiet.get(f"/v1/customers/gid://shopify/Customer/{number}")
    assert gid.raw == reply.raw
    await quiet.settled()
    quiet.sandbox.journal.clear()
    assert (await patch(quiet, number, reply.body)).status == 200
    await quiet.settled()
    assert quiet.sandbox.journal.applied() == [], "no system is written to"


@pytest.mark.parametrize("fields", STRANGE.values(), ids=STRANGE.keys())
async def test_what_is_shown_may_be_sent_back_and_changes_nothing(
    quiet: World, fields: dict[str, Any]
) -> None:
    customer = quiet.sandbox.shopify.add_customer(**fields)
    shown = await show(quiet, customer.id)
    assert (shown.status, shown.body.keys()) == (200, FIELDS)
    before = deepcopy(customer)
    reply = await patch(quiet, customer.id, shown.body)
    assert (reply.status, reply.body["warnings"]) == (200, [])
    await quiet.settled()
    assert quiet.sandbox.shopify.customers[customer.id] == before
    assert quiet.sandbox.journal.applied() == []
    assert await rows_in(quiet, "deliveries") == 0
    assert (await show(quiet, customer.id)).raw == shown.raw


async def test_one_field_may_be_changed_among_those_that_are_sent_back(quiet: World) -> None:
    strange = STRANGE["kana in kanji"] | at(zip="1500043", city="渋谷区", address1="道玄坂1")
    customer = quiet.sandbox.shopify.add_customer(**strange)
    shown = (await show(quiet, customer.id)).body
    reply = await patch(quiet, customer.id, shown | {"first_name": "華子"})
    assert reply.status == 200
    assert (await show(quiet, customer.id)).body == shown | {"first_name": "華子"}
    assert len(quiet.sandbox.journal.writes("shopify")) == 1


async def test_only_what_is_newly_wrong_is_an_error(quiet: World) -> None:
    customer = quiet.sandbox.shopify.add_customer(**STRANGE["kana in kanji"])
    shown = (await show(quiet, customer.id)).body
    reply = await patch(quiet, customer.id, shown | {"first_kana": "花子", "phone": "abc"})
    assert_problem(reply, 422, "invalid-data")
    assert {error["field"] for error in reply.body["errors"]} == {"first_kana", "phone"}
    unknown = await patch(quiet, customer.id, {"last_kana": "佐藤", "nosuch": 1})
    assert [error["field"] for error in unknown.body["errors"]] == ["nosuch"]
    assert quiet.sandbox.journal.applied() == []


async def test_a_wrong_field_is_told_while_shopify_is_away_too(quiet: World) -> None:
    quiet.sandbox.faults.set("shopify", Fault("status", status=503))
    assert_problem(await patch(quiet, 7, {"last_kana": "山田"}), 422, "invalid-data")


async def test_a_plain_no_takes_back_a_question_that_was_not_answered(quiet: World) -> None:
    customer = quiet.sandbox.shopify.add_customer(**STRANGE["asked for their consent"])
    assert (await show(quiet, customer.id)).body["accepts_marketing"] is None
    assert (await patch(quiet, customer.id, {"accepts_marketing": False})).status == 200
    assert (await show(quiet, customer.id)).body["accepts_marketing"] is False


@pytest.mark.parametrize(
    "customer_id", ["7", "x", str(2**63), "7/points/x", "gid://shopify/Order/7"]
)
async def test_nobody_is_404(quiet: World, customer_id: str) -> None:
    assert_problem(await quiet.get(f"/v1/customers/{customer_id}"), 404, "not-found")


async def test_a_deleted_customer_is_404(quiet: World) -> None:
    customer = quiet.sandbox.shopify.add_customer(**HANAKO)
    quiet.sandbox.shopify.delete_customer(customer.id)
    assert_problem(await show(quiet, customer.id), 404, "not-found")


FAULTS = {
    "refused": Fault("refuse"),
    "unavailable": Fault("status", status=503),
    "auth": Fault("status", status=401),
    "garbage": Fault("garbage"),
    "half": Fault("half"),
    "hang": Fault("hang"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_while_shopify_is_in_trouble_it_is_503(
    tmp_path: Any, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"GATEWAY_UPSTREAM_TIMEOUT": "0.3", "GATEWAY_RESPONSE_DEADLINE": "0.6"}
    async with a_world(tmp_path, None, **settings) as world:
        customer = world.sandbox.shopify.add_customer(**HANAKO)
        world.sandbox.faults.set("shopify", fault)
        reply = await show(world, customer.id, **{"Accept-Language": "ja"})
        assert_problem(reply, 503, "shopify-unavailable")
        assert int(reply.headers["Retry-After"]) >= 1
        assert "Shopify" in reply.body["detail"]
        assert "同じリクエストをもう一度" in reply.body["detail"]
        world.sandbox.faults.clear()
    assert personal_data_in(caplog.text) == []


async def test_it_needs_a_key_as_every_call_below_v1(tmp_path: Any) -> None:
    async with a_world(tmp_path, None, GATEWAY_API_KEYS="the-storefronts-own-key") as world:
        customer = world.sandbox.shopify.add_customer(**HANAKO)
        assert_problem(await show(world, customer.id), 401)
        key = {"Authorization": "Bearer the-storefronts-own-key"}
        assert (await show(world, customer.id, **key)).status == 200


async def test_it_waits_for_a_change_that_is_under_way(quiet: World) -> None:
    customer = quiet.sandbox.shopify.add_customer(**HANAKO)
    async with quiet.core.profile_changes.turn(customer.id):
        reading = asyncio.create_task(show(quiet, customer.id))
        done, _ = await asyncio.wait({reading}, timeout=0.1)
        assert done == set()
        quiet.sandbox.shopify.edit_customer(customer.id, firstName="華子")
    assert (await reading).body["first_name"] == "華子"


async def test_readers_go_behind_sign_ups(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lanes: list[Lane] = []
    read = quiet.core.shopify.read

    async def watched(ids: Any) -> Any:
        lanes.append(lane.get())
        return await read(ids)

    monkeypatch.setattr(quiet.core.shopify, "read", watched)
    customer = quiet.sandbox.shopify.add_customer(**HANAKO)
    assert (await show(quiet, customer.id)).status == 200
    assert lanes == [Lane.BACKLOG]
    await quiet.core.profiles.shown(customer.id)
    assert lane.get() is Lane.LIVE, "what follows on the same connection is not held back"
