"""HubSpot's answers, one by one."""

import re

import pytest

from gateway.channels import crm
from gateway.channels.crm.hubspot import properties
from gateway.errors import ErrorClass, UpstreamError
from tests.channels.contacts import (
    CONTACT,
    CONTACTS,
    FIND,
    OURS,
    PROPERTIES,
    SETTINGS,
    conflict,
    hubspot,
    of,
)
from tests.channels.works import PERSONAL, a_channel, a_work
from tests.upstream_answers import answers, wire


async def test_a_new_contact_is_created_with_the_token() -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, CONTACT, status=201)
        done = await channel.deliver(a_work(fresh=True))
    assert (done.action, done.reference) == ("created", "31")
    (sent,) = of(said, "POST")
    assert sent.headers["Authorization"] == "Bearer pat-0000"
    assert sent.json["properties"]["shopify_customer_id"] == "7000000000001"
    assert all(isinstance(value, str) for value in sent.json["properties"].values())


async def test_a_create_that_meets_409_becomes_an_update() -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, conflict(), status=409)
        said.say("GET", FIND, CONTACT, repeat=True)
        said.say("PATCH", f"{CONTACTS}/31", CONTACT)
        done = await channel.deliver(a_work(fresh=True))
    assert (done.action, done.reference) == ("updated", "31")


async def test_a_409_without_a_contact_to_be_found_is_tried_again_later() -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, conflict(), status=409)
        said.say("GET", FIND, {}, status=404, repeat=True)
        with pytest.raises(UpstreamError) as caught:
            await channel.deliver(a_work(fresh=True))
    assert caught.value.error_class is ErrorClass.DUPLICATE
    assert not [text for text in PERSONAL if text in str(caught.value)]


async def test_an_update_that_meets_409_needs_a_person() -> None:
    async with hubspot() as (channel, said):
        said.say("GET", FIND, CONTACT, repeat=True)
        said.say("PATCH", f"{CONTACTS}/31", conflict(), status=409)
        with pytest.raises(UpstreamError) as caught:
            await channel.deliver(a_work())
    assert caught.value.error_class is ErrorClass.CONFLICT


async def test_our_property_is_asked_before_the_e_mail() -> None:
    async with hubspot() as (channel, said):
        ours = re.compile(re.escape(CONTACTS) + "/7000000000001.*")
        said.say("GET", ours, {"id": "31"})
        said.say("GET", re.compile(re.escape(CONTACTS) + "/taro.*"), {"id": "99"})
        said.say("PATCH", f"{CONTACTS}/31", CONTACT)
        assert (await channel.deliver(a_work())).reference == "31"


@pytest.mark.parametrize("category", ["VALIDATION_ERROR", "<b>taro@example.com</b>"])
async def test_a_rule_of_the_administrators_needs_a_person(category: str) -> None:
    async with hubspot() as (channel, said):
        refused = conflict(category=category)
        said.say("POST", CONTACTS, refused, status=400)
        said.say("GET", FIND, {}, status=404, repeat=True)
        with pytest.raises(UpstreamError) as caught:
            await channel.deliver(a_work(fresh=True))
    assert caught.value.error_class is ErrorClass.INVALID_DATA
    assert "example.com" not in str(caught.value)
    assert ("VALIDATION_ERROR" in str(caught.value)) is (category == "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("policy", "headers", "wait"),
    [
        ("TEN_SECONDLY_ROLLING", {}, None),
        ("TEN_SECONDLY_ROLLING", {"Retry-After": "4"}, 4.0),
        ("DAILY", {"Retry-After": "5000"}, 5000.0),
    ],
)
async def test_rate_limits_name_their_policy(
    policy: str, headers: dict[str, str], wait: float | None
) -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, {"policyName": policy}, status=429, headers=headers)
        with pytest.raises(UpstreamError, match=policy) as caught:
            await channel.deliver(a_work(fresh=True))
    assert (caught.value.error_class, caught.value.retry_after) == (ErrorClass.RATE_LIMIT, wait)


async def test_the_daily_limit_without_a_header_is_probed_soon() -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, {"policyName": "DAILY"}, status=429)
        with pytest.raises(UpstreamError) as caught:
            await channel.deliver(a_work(fresh=True))
    assert caught.value.retry_after == 60


async def test_what_the_first_attempt_may_have_made_is_found_before_another_is_made() -> None:
    async with hubspot() as (channel, said):
        said.say("GET", FIND, CONTACT, repeat=True)
        said.say("PATCH", f"{CONTACTS}/31", CONTACT)
        assert (await channel.deliver(a_work())).reference == "31"
    assert of(said, "POST") == []


async def test_a_property_that_says_nothing_of_being_unique_is_tried_and_then_the_e_mail() -> None:
    async with hubspot() as (channel, said):
        said.say("GET", re.compile(re.escape(CONTACTS) + "/7000000000001.*"), {}, status=400)
        said.say("GET", re.compile(re.escape(CONTACTS) + "/taro.*"), CONTACT)
        said.say("PATCH", f"{CONTACTS}/31", CONTACT)
        assert (await channel.deliver(a_work())).reference == "31"


async def test_blanks_are_never_sent() -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, CONTACT, status=201)
        blank = a_work(fresh=True, last_kana="", phone="", birth_date="", address=None)
        await channel.deliver(blank)
    (sent,) = of(said, "POST")
    assert "" not in sent.json["properties"].values()
    assert not {"last_name_kana", "phone", "date_of_birth", "zip"} & set(sent.json["properties"])


async def test_missing_properties_are_made_where_the_token_may() -> None:
    async with hubspot(["email"]) as (channel, said):
        said.say("POST", PROPERTIES, {}, status=201, repeat=True)
        said.say("POST", CONTACTS, CONTACT, status=201)
        await channel.deliver(a_work(fresh=True))
    made = {r.json["name"]: r.json for r in said.sent if r.url == PROPERTIES and r.body}
    assert set(made) == set(OURS)
    assert made["shopify_customer_id"]["hasUniqueValue"] is True


async def test_a_token_without_the_scope_leaves_them_out_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with answers() as said:
        said.say("GET", PROPERTIES, {}, status=403)
        said.say("POST", PROPERTIES, {}, status=403, repeat=True)
        said.say("POST", CONTACTS, CONTACT, status=201)
        async with wire() as sender:
            await a_channel(crm.SPEC, sender, SETTINGS).deliver(a_work(fresh=True))
    (sent,) = of(said, "POST")
    assert not set(OURS) & set(sent.json["properties"])
    assert sent.json["properties"]["lastname"] == "山田"
    assert all(name in caplog.text for name in OURS)
    assert "crm.schemas.contacts.write" in caplog.text


async def test_a_property_that_somebody_archived_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lacks = {"code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["date_of_birth"]}}
    refusal = {"status": "error", "category": "VALIDATION_ERROR", "errors": [lacks]}
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, refusal, status=400)
        said.say("GET", FIND, {}, status=404, repeat=True)
        with pytest.raises(UpstreamError) as caught:
            await channel.deliver(a_work(fresh=True))
        assert caught.value.error_class is ErrorClass.INVALID_DATA
        assert len(of(said, "POST")) == 1, "looked at a moment ago: a new look would say the same"

        monkeypatch.setattr(properties, "_DOUBTED_AFTER", 0.0)
        left = [{"name": name} for name in OURS if name != "date_of_birth"]
        said.say("GET", PROPERTIES, {"results": left})
        said.say("POST", PROPERTIES, {"name": "date_of_birth"}, status=201)
        said.say("POST", CONTACTS, refusal, status=400)
        said.say("POST", CONTACTS, CONTACT, status=201)
        done = await channel.deliver(a_work(fresh=True))
        assert (done.action, list(done.adjustments)) == ("created", [])
        made = [r.json["name"] for r in said.sent if (r.method, r.url) == ("POST", PROPERTIES)]
        assert made == ["date_of_birth"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"id": ""}'])
async def test_an_answer_that_is_no_contact_is_unexpected(body: bytes) -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, status=201, body=body)
        with pytest.raises(UpstreamError) as caught:
            await channel.deliver(a_work(fresh=True))
    assert caught.value.error_class is ErrorClass.UNEXPECTED
    assert caught.value.applied is None


async def test_an_id_as_a_number_is_a_text_of_ours() -> None:
    async with hubspot() as (channel, said):
        said.say("POST", CONTACTS, {"id": 31}, status=201)
        assert (await channel.deliver(a_work(fresh=True))).reference == "31"


async def test_what_is_left_out_is_noted_under_our_fields_name() -> None:
    async with hubspot(["email", "shopify_customer_id", "last_name_kana", "accepts_marketing"]) as (
        channel,
        said,
    ):
        said.say("POST", PROPERTIES, {}, status=403, repeat=True)
        said.say("POST", CONTACTS, CONTACT, status=201)
        done = await channel.deliver(a_work(fresh=True, first_kana=""))
    assert list(done.adjustments) == [
        {"field": "birth_date", "change": "left out: HubSpot has no property date_of_birth"}
    ]
