"""What HubSpot's CRM takes, refuses and finds."""

import asyncio
from typing import Any

import pytest

from gateway.sandbox import HubspotOptions
from tests.sandbox.conftest import Clients, unlimited

CONTACTS = "/crm/objects/2026-03/contacts"
PROPERTIES = "/crm/properties/2026-03/contacts"
UNIQUE = {
    "name": "shopify_customer_id",
    "label": "Shopify customer id",
    "type": "string",
    "fieldType": "text",
    "groupName": "contactinformation",
    "hasUniqueValue": True,
}


def hubspot(**changes: Any) -> Any:
    settings = {"per_ten_seconds": None, "search_lag": 0.0} | changes
    return unlimited(hubspot=HubspotOptions(**settings))


def properties(**values: str) -> dict[str, Any]:
    return {"properties": values, "associations": []}


async def test_contact_is_created_found_changed_and_archived(clients: Clients) -> None:
    made = await clients.hubspot("POST", CONTACTS, json=properties(email="A@Example.com"))
    assert (made.status, made.body["properties"]["email"]) == (201, "a@example.com")
    path = f"{CONTACTS}/A%40EXAMPLE.com?idProperty=email"
    changed = await clients.hubspot("PATCH", path, json={"properties": {"lastname": "山田"}})
    assert changed.body["id"] == made.body["id"]
    found = await clients.hubspot("GET", f"{path}&properties=phone,lastname")
    assert found.body["properties"]["lastname"] == "山田"
    assert found.body["properties"]["phone"] is None
    assert (await clients.hubspot("DELETE", f"{CONTACTS}/{made.body['id']}")).status == 204
    assert (await clients.hubspot("GET", path)).status == 404
    again = await clients.hubspot("POST", CONTACTS, json=properties(email="a@example.com"))
    assert again.status == 201


@pytest.mark.parametrize(
    ("values", "status", "category"),
    [
        ({"email": "TARO@example.com"}, 409, "CONFLICT"),
        ({"firstname": "太郎", "shopify_customer_id": "1"}, 409, "CONFLICT"),
        ({"shopify_customer_id": "2"}, 400, "VALIDATION_ERROR"),
        ({"email": "x@h4.local"}, 400, "VALIDATION_ERROR"),
        ({"email": "ab..cd"}, 400, "VALIDATION_ERROR"),
        ({"email": "山田@example.com "}, 201, None),
        ({"no_such_property": "x"}, 400, "VALIDATION_ERROR"),
        ({"hs_object_id": "1"}, 400, "VALIDATION_ERROR"),
    ],
)
async def test_create_is_refused_with_a_category(
    clients: Clients, values: dict[str, str], status: int, category: str | None
) -> None:
    clients.sandbox.hubspot.add_property("shopify_customer_id", unique=True)
    clients.sandbox.hubspot.add(email="taro@example.com", shopify_customer_id="1")
    reply = await clients.hubspot("POST", CONTACTS, json=properties(**values))
    assert (reply.status, reply.body.get("category")) == (status, category)
    assert len(clients.sandbox.hubspot.contacts) == (2 if status == 201 else 1)


async def test_unknown_property_says_which(clients: Clients) -> None:
    reply = await clients.hubspot("POST", CONTACTS, json=properties(last_name_kana="ヤマダ"))
    assert reply.body["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    assert reply.body["errors"][0]["context"] == {"propertyName": ["last_name_kana"]}


async def test_unique_property_is_a_key_once_it_is_made(clients: Clients) -> None:
    path = f"{CONTACTS}/7000000000001?idProperty=shopify_customer_id"
    assert (await clients.hubspot("GET", path)).status == 400
    made = await clients.hubspot("POST", PROPERTIES, json=UNIQUE)
    assert (made.status, made.body["hasUniqueValue"]) == (201, True)
    assert (await clients.hubspot("POST", PROPERTIES, json=UNIQUE)).status == 409
    names = [each["name"] for each in (await clients.hubspot("GET", PROPERTIES)).body["results"]]
    assert "shopify_customer_id" in names
    assert (await clients.hubspot("GET", path)).status == 404
    clients.sandbox.hubspot.add(email="a@example.com", shopify_customer_id="7000000000001")
    assert (await clients.hubspot("GET", path)).status == 200


async def test_patch_to_a_taken_email_is_a_conflict(clients: Clients) -> None:
    for email in ("a@example.com", "b@example.com"):
        clients.sandbox.hubspot.add(email=email)
    path = f"{CONTACTS}/a@example.com?idProperty=email"
    reply = await clients.hubspot("PATCH", path, json={"properties": {"email": "b@example.com"}})
    assert reply.status == 409
    reply = await clients.hubspot("PATCH", path, json={"properties": {"email": "c@example.com"}})
    assert reply.status == 200
    assert (await clients.hubspot("GET", path)).status == 404


@pytest.mark.parametrize("options", [hubspot(property_scope=False)])
async def test_token_without_the_scope_cannot_touch_properties(clients: Clients) -> None:
    for method in ("GET", "POST"):
        reply = await clients.hubspot(method, PROPERTIES, json=UNIQUE)
        assert (reply.status, reply.body["category"]) == (403, "MISSING_SCOPES")


@pytest.mark.parametrize("options", [hubspot(required=frozenset({"lastname"}))])
async def test_administrators_rules_are_enforced_on_api_writes(clients: Clients) -> None:
    reply = await clients.hubspot("POST", CONTACTS, json=properties(email="a@example.com"))
    assert (reply.status, reply.body["category"]) == (400, "VALIDATION_ERROR")
    good = properties(email="a@example.com", lastname="山田")
    assert (await clients.hubspot("POST", CONTACTS, json=good)).status == 201


@pytest.mark.parametrize("options", [hubspot(search_lag=60.0)])
async def test_search_lags_and_the_record_does_not(clients: Clients) -> None:
    clients.sandbox.hubspot.add(email="a@example.com")
    found = {"filterGroups": [{"filters": [
        {"propertyName": "email", "operator": "EQ", "value": "a@example.com"}]}]}  # fmt: skip
    reply = await clients.hubspot("POST", f"{CONTACTS}/search", json=found)
    assert reply.body["total"] == 0
    direct = await clients.hubspot("GET", f"{CONTACTS}/a@example.com?idProperty=email")
    assert direct.status == 200
    assert [entry.kind for entry in clients.sandbox.journal] == ["read", "read"]


async def test_search_finds_by_equality(clients: Clients) -> None:
    for email in ("a@example.com", "b@example.com"):
        clients.sandbox.hubspot.add(email=email)
    wanted = {"filters": [{"propertyName": "email", "operator": "EQ", "value": "B@example.com"}]}
    reply = await clients.hubspot("POST", f"{CONTACTS}/search", json={"filterGroups": [wanted]})
    assert [each["properties"]["email"] for each in reply.body["results"]] == ["b@example.com"]


@pytest.mark.parametrize(
    ("options", "policy"),
    [
        (hubspot(per_ten_seconds=3), "TEN_SECONDLY_ROLLING"),
        (hubspot(per_day=3), "DAILY"),
    ],
    ids=["burst", "day"],
)
async def test_limit_names_its_policy_and_promises_no_retry_after(
    clients: Clients, policy: str
) -> None:
    replies = await asyncio.gather(*(clients.hubspot("GET", PROPERTIES) for _ in range(5)))
    assert sorted(reply.status for reply in replies) == [200, 200, 200, 429, 429]
    refused = next(reply for reply in replies if reply.status == 429)
    assert refused.body["policyName"] == policy
    assert "Retry-After" not in refused.headers


@pytest.mark.parametrize("options", [hubspot(per_ten_seconds=100)])
async def test_limit_headers_count_down(clients: Clients) -> None:
    reply = await clients.hubspot("GET", "/account-info/2026-03/details")
    assert reply.body["portalId"] == clients.sandbox.hubspot.options.portal_id
    assert reply.headers["X-HubSpot-RateLimit-Max"] == "100"
    assert reply.headers["X-HubSpot-RateLimit-Remaining"] == "99"


@pytest.mark.parametrize("body", [{"limit": "many"}, {"filterGroups": [1]}, [], {"limit": 0}])
async def test_search_that_has_not_the_apis_shape_is_a_400(clients: Clients, body: object) -> None:
    clients.sandbox.hubspot.add(email="a@example.com")
    reply = await clients.hubspot("POST", f"{CONTACTS}/search", json=body)
    assert (reply.status, reply.body["category"]) == (400, "VALIDATION_ERROR")


async def test_wrong_token_is_401(clients: Clients) -> None:
    reply = await clients.send("GET", clients.sandbox.hubspot.url + PROPERTIES)
    assert (reply.status, reply.body["category"]) == (401, "INVALID_AUTHENTICATION")


async def test_a_secondary_address_is_taken_and_finds_its_contact(clients: Clients) -> None:
    made = clients.sandbox.hubspot.add(email="a@example.com", hs_additional_emails="b@example.com")
    again = await clients.hubspot("POST", CONTACTS, json=properties(email="B@example.com"))
    assert (again.status, again.body["category"]) == (409, "CONFLICT")
    found = await clients.hubspot("GET", f"{CONTACTS}/b@example.com?idProperty=email")
    assert found.body["id"] == str(made.id)
    assert found.body["properties"]["email"] == "a@example.com"
    path = f"{CONTACTS}/{made.id}"
    await clients.hubspot("PATCH", path, json={"properties": {"email": "b@example.com"}})
    free = await clients.hubspot("POST", CONTACTS, json=properties(email="a@example.com"))
    assert free.status == 201


async def test_the_id_of_a_merged_contact_is_the_others_from_then_on(clients: Clients) -> None:
    hubspot = clients.sandbox.hubspot
    hubspot.add_property("shopify_customer_id", unique=True)
    one = hubspot.add(email="a@example.com", shopify_customer_id="1")
    two = hubspot.add(email="b@example.com", shopify_customer_id="2", phone="03-0000-0000")
    hubspot.merge(one.id, two.id)
    for way in (f"{two.id}", "b@example.com?idProperty=email", "1?idProperty=shopify_customer_id"):
        found = await clients.hubspot("GET", f"{CONTACTS}/{way}")
        assert found.body["id"] == str(one.id), way
    assert one.properties["shopify_customer_id"] == "1"
    assert one.properties["phone"] == "03-0000-0000"
    gone = await clients.hubspot("GET", f"{CONTACTS}/2?idProperty=shopify_customer_id")
    assert gone.status == 404
    assert (await clients.hubspot("DELETE", f"{CONTACTS}/{two.id}")).status == 204
    assert one.archived


async def test_a_contact_has_an_e_mail_or_a_name_always(clients: Clients) -> None:
    nobody = await clients.hubspot("POST", CONTACTS, json=properties(phone="03-0000-0000"))
    assert (nobody.status, nobody.body["category"]) == (400, "VALIDATION_ERROR")
    made = clients.sandbox.hubspot.add(email="a@example.com")
    path = f"{CONTACTS}/{made.id}"
    reply = await clients.hubspot("PATCH", path, json={"properties": {"email": ""}})
    assert reply.status == 400
    both = {"email": "", "lastname": "山田"}
    assert (await clients.hubspot("PATCH", path, json={"properties": both})).status == 200


async def test_a_refused_value_stands_in_the_errors_and_within_the_message(
    clients: Clients,
) -> None:
    reply = await clients.hubspot("POST", CONTACTS, json=properties(email="x@h4.local"))
    assert [each["code"] for each in reply.body["errors"]] == ["INVALID_EMAIL"]
    assert reply.body["message"].startswith("Property values were not valid: [{")
    assert "x@h4.local" in reply.body["message"], "HubSpot quotes what it refuses"
