"""What Shopify shows, when it shows it, what that costs, and to whom."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from gateway.sandbox import ShopifyOptions
from gateway.sandbox.shopify import cost
from tests.sandbox.conftest import CREATE, FIND, Clients, unlimited

SEARCH = """query($q: String, $first: Int = 10, $after: String) { customers(first: $first,
 query: $q, after: $after, sortKey: UPDATED_AT) { nodes { email } pageInfo { hasNextPage
 endCursor } } }"""
NESTED = """fragment F on Customer {
  defaultAddress { id } metafields(first: 10) { nodes { key } }
}"""
DENIED = "ACCESS_DENIED"


class Clock:
    """Unix seconds that only move when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_lookup_by_identifier_sees_a_customer_at_once_and_ignores_case(
    clients: Clients,
) -> None:
    await clients.create(email="taro@example.com", phone="+819012345678")
    for by in (
        {"emailAddress": " TARO@example.com"},
        {"phoneNumber": "+819012345678"},
        {"id": "gid://shopify/Customer/7000000000001"},
    ):
        reply = await clients.graphql(FIND, {"by": by})
        assert reply.body["data"]["customerByIdentifier"]["email"] == "taro@example.com"
    reply = await clients.graphql(FIND, {"by": {"emailAddress": "b@example.com"}})
    assert reply.body["data"] == {"customerByIdentifier": None}


async def test_identifier_is_one_of_and_nothing_else(clients: Clients) -> None:
    reply = await clients.graphql(FIND, {"by": {"emailAddress": "a@b.jp", "id": "x"}})
    assert reply.body["errors"]


async def test_custom_id_needs_a_definition_of_type_id(clients: Clients) -> None:
    by = {"customId": {"namespace": "registration", "key": "id", "value": "r-1"}}
    reply = await clients.graphql(FIND, {"by": by})
    assert reply.body["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    await clients.graphql(
        'mutation { metafieldDefinitionCreate(definition: {name: "id", namespace: "registration",'
        ' key: "id", ownerType: CUSTOMER, type: "id"}) { userErrors { code } } }'
    )
    given = {"namespace": "registration", "key": "id", "type": "id", "value": "r-1"}
    await clients.create(email="a@example.com", metafields=[given])
    reply = await clients.graphql(FIND, {"by": by})
    assert reply.body["data"]["customerByIdentifier"]["email"] == "a@example.com"


@pytest.mark.parametrize(
    "options", [unlimited(shopify=ShopifyOptions(unlimited=True), clock=Clock())]
)
async def test_search_lags_behind_the_records(clients: Clients) -> None:
    clock: Any = clients.sandbox.options.clock
    await clients.create(email="a@example.com")
    reply = await clients.graphql(SEARCH, {"q": "email:a@example.com"})
    assert reply.body["data"]["customers"]["nodes"] == []
    clock.now += 2
    reply = await clients.graphql(SEARCH, {"q": "email:a@example.com"})
    assert reply.body["data"]["customers"]["nodes"] == [{"email": "a@example.com"}]


@pytest.mark.parametrize("options", [unlimited(clock=Clock())])
async def test_search_understands_ranges_of_time(clients: Clients) -> None:
    clock: Any = clients.sandbox.options.clock
    for name in ("a", "b", "c"):
        await clients.create(email=f"{name}@example.com")
        clock.now += 60
    for query, expected in (
        ("updated_at:>'2027-01-15T08:00:00Z'", ["b", "c"]),
        ("updated_at:>='2027-01-15T08:00:00Z'", ["a", "b", "c"]),
        ("created_at:<'2027-01-15T08:01:00Z'", ["a"]),
        ("updated_at:>'2027-01-15T08:00:00Z' AND email:c@example.com", ["c"]),
        ("id:7000000000002", ["b"]),
    ):
        reply = await clients.graphql(SEARCH, {"q": query})
        found = [node["email"][0] for node in reply.body["data"]["customers"]["nodes"]]
        assert found == expected, query


async def test_unknown_search_field_is_ignored_with_a_warning(clients: Clients) -> None:
    await clients.create(email="a@example.com")
    reply = await clients.graphql(SEARCH, {"q": "emial:b@example.com"})
    assert len(reply.body["data"]["customers"]["nodes"]) == 1
    assert reply.body["extensions"]["search"][0]["warnings"][0]["field"] == "emial"


async def test_pages_follow_each_other_without_gap_or_double(clients: Clients) -> None:
    for number in range(7):
        clients.sandbox.shopify.add_customer(email=f"{number}@example.com")
    seen: list[str] = []
    after = None
    for _ in range(4):
        reply = await clients.graphql(SEARCH, {"first": 3, "after": after})
        page = reply.body["data"]["customers"]
        seen += [node["email"][0] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == list("0123456")


@pytest.mark.parametrize("reverse", [False, True])
async def test_a_page_goes_on_where_its_cursor_stood_though_the_record_is_gone(
    clients: Clients, reverse: bool
) -> None:
    """And backwards from there likewise."""
    shop = clients.sandbox.shopify
    there = [shop.add_customer(email=f"{number}@example.com").id for number in range(6)]
    text = """query($after: String, $before: String, $first: Int, $last: Int, $r: Boolean) {
 customers(first: $first, last: $last, after: $after, before: $before, reverse: $r)
 { nodes { email } pageInfo { endCursor } } }"""

    async def emails(**asked: Any) -> tuple[str, str]:
        reply = await clients.graphql(text, {"r": reverse, **asked})
        page = reply.body["data"]["customers"]
        return "".join(each["email"][0] for each in page["nodes"]), page["pageInfo"]["endCursor"]

    order = "543210" if reverse else "012345"
    first, cursor = await emails(first=3)
    assert first == order[:3]
    shop.delete_customer(there[int(order[2])])
    assert (await emails(first=2, after=cursor))[0] == order[3:5]
    assert (await emails(last=2, before=cursor))[0] == order[:2]


async def test_the_count_says_whether_it_is_exact(clients: Clients) -> None:
    for number in range(3):
        made = clients.sandbox.shopify.add_customer(email=f"{number}@example.com")
        made.created_at = 1_700_000_000.0 + number
    text = "query($q: String, $l: Int) { customersCount(query: $q, limit: $l) {count precision} }"
    for query, limit, count, precision in (
        (None, None, 3, "EXACT"),
        (None, 3, 3, "EXACT"),
        (None, 2, 2, "AT_LEAST"),
        ("created_at:>'2023-11-14T22:13:20Z'", None, 2, "EXACT"),
        ("email:0@example.com", None, 3, "EXACT"),  # knows no such field, and ignores it
    ):
        reply = await clients.graphql(text, {"q": query, "l": limit})
        expected = {"count": count, "precision": precision}
        assert reply.body["data"]["customersCount"] == expected, query


async def test_nodes_keep_their_places_and_unknown_ones_are_null(clients: Clients) -> None:
    await clients.create(email="a@example.com")
    ids = ["gid://shopify/Customer/1", "gid://shopify/Customer/7000000000001"]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Customer { email } } }"
    reply = await clients.graphql(query, {"ids": ids})
    assert reply.body["data"]["nodes"] == [None, {"id": ids[1], "email": "a@example.com"}]
    assert reply.body["extensions"]["cost"]["requestedQueryCost"] == 2


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("{ shop { name } }", 1),
        ("{ customers(first: 1) { nodes { id } } }", 2),
        ("{ customers(first: 2) { nodes { id } pageInfo { hasNextPage } } }", 3),
        ("{ customers(first: 10) { edges { node { id } } } }", 6),
        ("{ customers(first: 100) { nodes { id } } }", 11),
        ("{ customers(first: 200) { nodes { id } } }", 12),
        ("{ customers(first: 250) { nodes { id } } }", 13),
        (f"{{ customers(first: 100) {{ nodes {{ ...F }} }} }} {NESTED}", 11 * (1 + 1 + 6)),
        ("query($n: Int = 100) { customers(first: $n) { nodes { id } } }", 11),
        ('{ nodes(ids: ["a"]) { id } }', 2),
        ('{ nodes(ids: ["a", "b"]) { id } }', 2),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 4),
        ("{ customersCount { count } }", 10),
    ],
)  # fmt: skip
def test_the_cost_of_a_query_follows_the_recorded_rule(query: str, points: int) -> None:
    """A connection of `n` costs 2 + int(2 ln n) times its node."""
    parsed = parse(query)
    operation = next(d for d in parsed.definitions if isinstance(d, OperationDefinitionNode))
    assert cost.requested(parsed, operation, {}) == points


@pytest.mark.parametrize(
    "options", [unlimited(shopify=ShopifyOptions(unlimited=True, max_cost=10.0))]
)
async def test_a_query_that_costs_too_much_is_refused_whatever_the_bucket_holds(
    clients: Clients,
) -> None:
    reply = await clients.graphql(SEARCH, {"first": 100})
    assert reply.status == 200
    assert reply.body["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert "data" not in reply.body
    assert "errors" not in (await clients.graphql(SEARCH, {"first": 50})).body


async def test_costs_are_said_in_every_answer(clients: Clients) -> None:
    made = await clients.graphql(CREATE, {"input": {"email": "a@example.com"}})
    assert 10 <= made.body["extensions"]["cost"]["requestedQueryCost"] <= 18
    found = await clients.graphql(FIND, {"by": {"emailAddress": "a@example.com"}})
    assert found.body["extensions"]["cost"]["requestedQueryCost"] == 1
    listed = await clients.graphql(SEARCH, {"first": 100})
    cost = listed.body["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (11, 2)
    assert cost["throttleStatus"].keys() == {
        "maximumAvailable",
        "currentlyAvailable",
        "restoreRate",
    }


@pytest.mark.parametrize("options", [unlimited(shopify=ShopifyOptions(bucket=20, restore=1))])
async def test_throttling_is_a_200_with_the_numbers_and_no_retry_after(clients: Clients) -> None:
    first = await clients.graphql(CREATE, {"input": {"email": "a@example.com"}})
    assert "errors" not in first.body
    second = await clients.graphql(CREATE, {"input": {"email": "b@example.com"}})
    assert second.status == 200
    assert second.body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in second.body
    assert "Retry-After" not in second.headers
    cost = second.body["extensions"]["cost"]
    assert cost["requestedQueryCost"] > cost["throttleStatus"]["currentlyAvailable"]
    assert len(clients.sandbox.shopify.customers) == 1


async def test_bad_token_is_401_and_the_grant_gives_one_that_works(clients: Clients) -> None:
    assert (await clients.graphql("{ shop { name } }", token="wrong")).status == 401
    shop = clients.sandbox.shopify
    form = {
        "grant_type": "client_credentials",
        "client_id": shop.options.client_id,
        "client_secret": shop.options.client_secret,
    }
    url = f"{shop.url}/admin/oauth/access_token"
    granted = (await clients.send("POST", url, data=form)).body
    assert granted["expires_in"] == 86399
    assert "refresh_token" not in granted
    reply = await clients.graphql("{ shop { myshopifyDomain } }", token=granted["access_token"])
    assert reply.body["data"]["shop"]["myshopifyDomain"] == "sandbox.myshopify.com"
    shop.grants.expire()
    assert (await clients.graphql("{ shop { name } }", token=granted["access_token"])).status == 401
    refused = await clients.send("POST", url, data=form | {"client_secret": "wrong"})
    assert refused.status == 400


@pytest.mark.parametrize(
    "options",
    [unlimited(shopify=ShopifyOptions(unlimited=True, scopes=frozenset({"read_customers"})))],
)
async def test_missing_scope_is_access_denied_and_null_beside_data(clients: Clients) -> None:
    reply = await clients.graphql(CREATE, {"input": {"email": "a@example.com"}})
    assert reply.status == 200
    assert reply.body["data"] == {"customerCreate": None}
    assert reply.body["errors"][0]["extensions"]["code"] == DENIED
    reply = await clients.graphql("{ currentAppInstallation { accessScopes { handle } } }")
    scopes = reply.body["data"]["currentAppInstallation"]["accessScopes"]
    assert scopes == [{"handle": "read_customers"}]


@pytest.mark.parametrize(
    "options", [unlimited(shopify=ShopifyOptions(unlimited=True, protected_data=False))]
)
async def test_without_approval_personal_data_is_null_and_the_id_is_there(
    clients: Clients,
) -> None:
    reply = await clients.graphql(CREATE, {"input": {"email": "a@example.com"}})
    customer = reply.body["data"]["customerCreate"]["customer"]
    assert customer["id"]
    assert customer["email"] is None
    assert {error["extensions"]["code"] for error in reply.body["errors"]} == {DENIED}


async def test_invalid_document_is_a_200_with_errors(clients: Clients) -> None:
    reply = await clients.graphql("{ customer(id: 1) { kana } }")
    assert reply.status == 200
    assert reply.body["errors"]
    assert "data" not in reply.body
