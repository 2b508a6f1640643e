"""What Shopify takes and refuses when something is written."""

from typing import Any

import pytest

from gateway.sandbox import SandboxOptions, ShopifyOptions
from tests.sandbox.conftest import CREATE, UPDATE, Clients, unlimited

ADDRESS = {
    "countryCode": "JP",
    "provinceCode": "JP-13",
    "city": "渋谷区",
    "address1": "道玄坂1-2-3",
}
REGISTRATION = {"namespace": "registration", "key": "id", "type": "id", "value": "r-1"}
DEFINE = """mutation { metafieldDefinitionCreate(definition: {name: "id", namespace: "registration",
 key: "id", ownerType: CUSTOMER, type: "id"}) { createdDefinition { id } userErrors { code } } }"""


async def test_new_customer_gets_the_next_id_and_is_disabled(clients: Clients) -> None:
    made = await clients.create(email="yamada@example.com", lastName="山田", addresses=[ADDRESS])
    assert made["userErrors"] == []
    assert made["customer"]["id"] == "gid://shopify/Customer/7000000000001"
    assert made["customer"]["state"] == "DISABLED"
    assert made["customer"]["defaultAddress"]["provinceCode"] == "JP-13"


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"email": " TARO@Example.com "}, ["email"], "Email has already been taken"),
        ({"phone": "+81 90-1234-5678"}, ["phone"], "Phone has already been taken"),
        ({"phone": "090-1234-5678"}, ["phone"], "Phone is invalid"),
        ({"phone": "+8109012345678"}, ["phone"], "Phone is invalid"),
        ({"email": "no address"}, ["email"], "Email is invalid"),
        ({}, None, "Customer must have a name, phone number or email address"),
        (
            {"lastName": "あ" * 256},
            ["lastName"],
            "Last name is too long (maximum is 255 characters)",
        ),
        ({"email": "a@example.jp", "note": "x" * 5001}, ["note"], "Note is too long"),
        ({"email": "a@example.jp", "tags": ["x" * 256]}, ["tags"], "Tags is too long"),
        ({"email": "a@example.jp", "tags": ["x"] * 251}, ["tags"], "Tags cannot be more"),
        ({"addresses": [ADDRESS | {"address1": "<b>x</b>"}]}, ["addresses", "0", "address1"], ""),
        ({"addresses": [ADDRESS | {"city": "https://x"}]}, ["addresses", "0", "city"], "City"),
        ({"addresses": [ADDRESS | {"address2": "🏠"}]}, ["addresses", "0", "address2"], "emoji"),
        (
            {"addresses": [ADDRESS | {"provinceCode": "JP-48"}]},
            ["addresses", "0", "provinceCode"],
            "Province is not valid",
        ),
        (
            {"email": "a@example.jp", "emailMarketingConsent": {"marketingState": "SUBSCRIBED"}},
            ["emailMarketingConsent", "marketingOptInLevel"],
            "level",
        ),
    ],
)
async def test_create_refuses_without_a_code_and_changes_nothing(
    clients: Clients, fields: dict[str, Any], path: list[str] | None, message: str
) -> None:
    await clients.create(email="taro@example.com", phone="+819012345678")
    made = await clients.create(**({"lastName": "山田"} if "addresses" in fields else {}) | fields)
    assert made["customer"] is None
    assert made["userErrors"][0]["field"] == path
    assert message in made["userErrors"][0]["message"]
    assert len(clients.sandbox.shopify.customers) == 1
    assert [entry.applied for entry in clients.sandbox.journal.writes("shopify")] == [True, False]


async def test_user_errors_of_create_have_no_code_field(clients: Clients) -> None:
    reply = await clients.graphql(
        CREATE.replace("field message", "field message code"), {"input": {"email": "a@example.jp"}}
    )
    assert "data" not in reply.body
    assert not clients.sandbox.shopify.customers


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        (unlimited(), False),
        (unlimited(shopify=ShopifyOptions(unlimited=True, carrier_addresses=False)), True),
    ],
    ids=["taken", "refused"],
)
async def test_old_carrier_addresses_are_taken_or_refused_by_option(
    clients: Clients, refused: bool
) -> None:
    for email in ("ab..cd@docomo.ne.jp", "abc.@ezweb.ne.jp"):
        assert bool((await clients.create(email=email))["userErrors"]) is refused


async def test_address_phone_is_hardly_checked_and_not_unique(clients: Clients) -> None:
    address = ADDRESS | {"phone": "090-1234-5678"}
    for name in ("a", "b"):
        made = await clients.create(email=f"{name}@example.com", addresses=[address])
        assert made["userErrors"] == []


async def test_update_refuses_consent_which_has_its_own_mutation(clients: Clients) -> None:
    gid = (await clients.create(email="a@example.com"))["customer"]["id"]
    consent = {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"}
    reply = await clients.graphql(UPDATE, {"input": {"id": gid, "emailMarketingConsent": consent}})
    assert reply.body["data"]["customerUpdate"]["userErrors"]
    reply = await clients.graphql(
        "mutation($input: CustomerEmailMarketingConsentUpdateInput!) {"
        " customerEmailMarketingConsentUpdate(input: $input) { userErrors { code }"
        " customer { defaultEmailAddress { marketingState marketingOptInLevel } } } }",
        {"input": {"customerId": gid, "emailMarketingConsent": consent}},
    )
    payload = reply.body["data"]["customerEmailMarketingConsentUpdate"]
    assert payload["customer"]["defaultEmailAddress"] == consent
    assert payload["userErrors"] == []


async def test_update_replaces_the_lists_of_addresses_and_tags(clients: Clients) -> None:
    made = await clients.create(email="a@example.com", tags=["x", "y"], addresses=[ADDRESS] * 2)
    gid = made["customer"]["id"]
    change = {"id": gid, "tags": ["z"], "addresses": [ADDRESS | {"city": "港区"}]}
    await clients.graphql(UPDATE, {"input": change})
    customer = clients.sandbox.shopify.customers[7000000000001]
    assert customer.tags == ["z"]
    assert [address.city for address in customer.addresses] == ["港区"]


async def test_customer_set_is_an_upsert_with_codes_and_without_metafields(
    clients: Clients,
) -> None:
    query = """mutation($by: CustomerSetIdentifiers, $input: CustomerSetInput!) {
        customerSet(identifier: $by, input: $input) { customer { id } userErrors { code } } }"""
    await clients.create(phone="+819012345678")
    for _ in range(2):
        values = {"email": "a@example.com", "lastName": "山田"}
        await clients.graphql(query, {"by": {"email": "a@example.com"}, "input": values})
    assert len(clients.sandbox.shopify.customers) == 2
    taken = await clients.graphql(
        query, {"by": {"email": "a@example.com"}, "input": {"phone": "+819012345678"}}
    )
    assert taken.body["data"]["customerSet"]["userErrors"] == [{"code": "TAKEN"}]
    refused = await clients.graphql(query, {"input": {"metafields": []}})
    assert "data" not in refused.body or refused.body["data"] is None


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        ("date", "1990-04-01", True),
        ("date", "1990/04/01", False),
        ("date", "1990-02-30", False),
        ("single_line_text_field", "ヤマダ", True),
        ("single_line_text_field", "a\nb", False),
        ("id", "r-1", True),
        ("number_integer", "1.5", False),
        ("no_such_type", "x", False),
        ("single_line_text_field", "", False),
    ],
)
async def test_metafields_are_checked_by_their_type(
    clients: Clients, kind: str, value: str, good: bool
) -> None:
    given = {"namespace": "facts", "key": "x", "type": kind, "value": value}
    made = await clients.create(email="a@example.com", metafields=[given])
    assert (made["userErrors"] == []) is good


async def test_id_metafield_is_unique_once_it_is_defined(clients: Clients) -> None:
    await clients.create(email="a@example.com", metafields=[REGISTRATION])
    assert (await clients.create(email="b@example.com", metafields=[REGISTRATION]))["customer"]
    clients.sandbox.reset()
    await clients.graphql(DEFINE)
    await clients.create(email="a@example.com", metafields=[REGISTRATION])
    made = await clients.create(email="b@example.com", metafields=[REGISTRATION])
    assert made["userErrors"][0]["field"] == ["metafields", "0", "value"]
    again = await clients.graphql(DEFINE)
    errors = again.body["data"]["metafieldDefinitionCreate"]["userErrors"]
    assert errors == [{"code": "TAKEN"}]


async def test_metafields_set_writes_all_or_nothing(clients: Clients) -> None:
    gid = (await clients.create(email="a@example.com"))["customer"]["id"]
    query = """mutation($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) {
        metafields { key value } userErrors { field code elementIndex } } }"""
    good = REGISTRATION | {"ownerId": gid}
    bad = {"namespace": "facts", "key": "birth_date", "type": "date", "value": "x", "ownerId": gid}
    reply = await clients.graphql(query, {"m": [good, bad]})
    errors = reply.body["data"]["metafieldsSet"]["userErrors"]
    assert errors == [
        {"field": ["metafields", "1", "value"], "code": "INVALID_VALUE", "elementIndex": 1}
    ]
    customer = clients.sandbox.shopify.customers[7000000000001]
    assert customer.metafield("registration", "id") is None
    await clients.graphql(query, {"m": [good]})
    assert customer.metafield("registration", "id") == "r-1"


async def test_addresses_are_added_changed_and_made_the_default_one_by_one(
    clients: Clients,
) -> None:
    made = await clients.create(email="a@example.com", addresses=[ADDRESS])
    gid = made["customer"]["id"]
    add = """mutation($c: ID!, $a: MailingAddressInput!) { customerAddressCreate(customerId: $c,
        address: $a) { address { id } userErrors { message } } }"""
    reply = await clients.graphql(add, {"c": gid, "a": ADDRESS | {"city": "港区"}})
    second = reply.body["data"]["customerAddressCreate"]["address"]["id"]
    default = """mutation($c: ID!, $a: ID!) { customerUpdateDefaultAddress(customerId: $c,
        addressId: $a) { customer { defaultAddress { city } } userErrors { message } } }"""
    reply = await clients.graphql(default, {"c": gid, "a": second})
    shown = reply.body["data"]["customerUpdateDefaultAddress"]["customer"]
    assert shown == {"defaultAddress": {"city": "港区"}}
    change = """mutation($c: ID!, $a: ID!) { customerAddressUpdate(customerId: $c, addressId: $a,
        address: {address2: "5F"}) { address { city address2 } userErrors { message } } }"""
    reply = await clients.graphql(change, {"c": gid, "a": second})
    assert reply.body["data"]["customerAddressUpdate"]["address"] == {
        "city": "港区",
        "address2": "5F",
    }


async def test_tags_are_added_without_doubles_and_a_deleted_customer_is_gone(
    clients: Clients,
) -> None:
    gid = (await clients.create(email="a@example.com", tags=["x"]))["customer"]["id"]
    add = 'mutation($id: ID!) { tagsAdd(id: $id, tags: ["X", "y"]) { userErrors { message } } }'
    await clients.graphql(add, {"id": gid})
    assert clients.sandbox.shopify.customers[7000000000001].tags == ["x", "y"]
    delete = """mutation($id: ID!) { customerDelete(input: {id: $id}) { deletedCustomerId
        userErrors { message } } }"""
    await clients.graphql(delete, {"id": gid})
    again = await clients.graphql(delete, {"id": gid})
    assert again.body["data"]["customerDelete"]["userErrors"]
    assert (await clients.create(email="a@example.com"))["userErrors"] == []


async def test_merge_is_asynchronous_and_names_the_survivor(clients: Clients) -> None:
    shop = clients.sandbox.shopify
    one = shop.add_customer(email="a@example.com", state="ENABLED")
    two = shop.add_customer(email="b@example.com")
    reply = await clients.graphql(
        "mutation($a: ID!, $b: ID!) { customerMerge(customerOneId: $a, customerTwoId: $b)"
        " { job { id done } resultingCustomerId userErrors { code } } }",
        {"a": one.gid, "b": two.gid},
    )
    payload = reply.body["data"]["customerMerge"]
    assert payload["resultingCustomerId"] == one.gid
    assert payload["job"]["done"] is False
    status = "query($j: ID!) { customerMergeJobStatus(jobId: $j) { status } }"
    for _ in range(100):
        reply = await clients.graphql(status, {"j": payload["job"]["id"]})
        if reply.body["data"]["customerMergeJobStatus"]["status"] == "COMPLETED":
            break
    assert list(shop.customers) == [one.id]


def test_default_options_keep_the_real_limits() -> None:
    options = SandboxOptions()
    assert (options.shopify.bucket, options.shopify.restore) == (2000, 100)
    assert (options.smaregi.reads_per_second, options.smaregi.writes_per_second) == (50, 20)
    assert options.hubspot.per_ten_seconds == 190
