"""Discount codes of the shop: made, looked up, used at a checkout, and ended."""

from typing import Any

import pytest

from tests.sandbox.conftest import Clients

CREATE = """mutation($d: DiscountCodeBasicInput!) { discountCodeBasicCreate(basicCodeDiscount: $d) {
  codeDiscountNode { id codeDiscount { ... on DiscountCodeBasic { status asyncUsageCount } } }
  userErrors { code field } } }"""
FIND = """query($c: String!) { codeDiscountNodeByCode(code: $c) {
  id codeDiscount { ... on DiscountCodeBasic { status asyncUsageCount } } } }"""
END = """mutation($id: ID!) { discountCodeDeactivate(id: $id) { userErrors { code } } }"""
ORDER = """query($id: ID!) { order(id: $id) { discountCodes
  lineItems(first: 5) { nodes { discountAllocations {
    allocatedAmountSet { shopMoney { amount } }
    discountApplication { __typename ... on DiscountCodeApplication { code } } } } } } }"""
LIST = "query($q: String) { orders(first: 10, query: $q) { nodes { id } } }"


def wanted(customer: Any, **changes: Any) -> dict[str, Any]:
    return {
        "title": "Points",
        "code": "POINTS1",
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2100-01-01T00:00:00Z",
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"customers": {"add": [customer.gid]}},
        "customerGets": {
            "items": {"all": True},
            "value": {"discountAmount": {"amount": "500", "appliesOnEachItem": False}},
        },
        **changes,
    }


async def create(clients: Clients, discount: dict[str, Any]) -> Any:
    return (await clients.graphql(CREATE, {"d": discount})).body["data"]["discountCodeBasicCreate"]


async def find(clients: Clients, code: str) -> Any:
    return (await clients.graphql(FIND, {"c": code})).body["data"]["codeDiscountNodeByCode"]


async def test_a_code_is_for_its_customer_once_until_it_ends(clients: Clients) -> None:
    shop = clients.sandbox.shopify
    made, other = (shop.add_customer(email=f"{name}@example.com") for name in "ab")
    assert (await create(clients, wanted(made)))["userErrors"] == []
    seen = await find(clients, "points1")
    assert seen["codeDiscount"] == {"status": "ACTIVE", "asyncUsageCount": 0}
    with pytest.raises(ValueError, match="does not take"):
        shop.orders.place(other.id, [1000], codes=["POINTS1"])
    order = shop.orders.place(made.id, [1000, 2000], codes=["points1"])
    assert (order.total, order.discount_codes) == (2500, ["POINTS1"])
    with pytest.raises(ValueError, match="does not take"):
        shop.orders.place(made.id, [1000], codes=["POINTS1"])
    assert (await clients.graphql(END, {"id": seen["id"]})).body["data"]
    assert (await find(clients, "POINTS1"))["codeDiscount"]["status"] == "EXPIRED"


async def test_a_line_shows_what_each_code_takes_off_it(clients: Clients) -> None:
    shop = clients.sandbox.shopify
    made = shop.add_customer(email="a@example.com")
    await create(clients, wanted(made))
    lines = [shop.orders.line(1000, discount=100), shop.orders.line(600, is_gift_card=True)]
    order = shop.orders.place(made.id, lines, codes=["POINTS1"])
    shown = (await clients.graphql(ORDER, {"id": order.gid})).body["data"]["order"]
    assert shown["discountCodes"] == ["POINTS1"]
    goods, card = (each["discountAllocations"] for each in shown["lineItems"]["nodes"])
    assert [each["discountApplication"]["__typename"] for each in goods] == [
        "AutomaticDiscountApplication",
        "DiscountCodeApplication",
    ]
    assert goods[1]["allocatedAmountSet"]["shopMoney"]["amount"] == "500.0"
    assert card == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": ""}, "BLANK"),
        ({"startsAt": None}, "BLANK"),
        ({"context": None}, "BLANK"),
        ({"customerGets": None}, "BLANK"),
        ({"code": "X" * 256}, "TOO_LONG"),
        ({"usageLimit": 0}, "GREATER_THAN"),
        ({"endsAt": "2019-01-01T00:00:00Z"}, "END_DATE_BEFORE_START_DATE"),
        ({"context": {"customers": {"add": ["gid://shopify/Customer/1"]}}}, "INVALID"),
        (
            {
                "customerGets": {
                    "items": {"all": True},
                    "value": {"discountAmount": {"amount": "0"}},
                }
            },
            "VALUE_OUTSIDE_RANGE",
        ),
    ],
)
async def test_a_wrong_code_is_refused(
    clients: Clients, changes: dict[str, Any], code: str
) -> None:
    made = clients.sandbox.shopify.add_customer(email="a@example.com")
    refused = await create(clients, wanted(made, **changes))
    assert [each["code"] for each in refused["userErrors"]] == [code]
    assert refused["codeDiscountNode"] is None


async def test_the_same_code_again_is_taken(clients: Clients) -> None:
    made = clients.sandbox.shopify.add_customer(email="a@example.com")
    await create(clients, wanted(made))
    again = await create(clients, wanted(made, code="points1"))
    assert [each["code"] for each in again["userErrors"]] == ["TAKEN"]


async def test_the_search_knows_an_order_by_its_first_code_and_its_customer(
    clients: Clients,
) -> None:
    shop = clients.sandbox.shopify
    made = shop.add_customer(email="a@example.com")
    order = shop.orders.place(made.id, [1000])
    order.discount_codes += ["FIRST", "SECOND"]

    async def found(query: str) -> int:
        answer = await clients.graphql(LIST, {"q": query})
        return len(answer.body["data"]["orders"]["nodes"])

    assert await found("discount_code:first") == 1
    assert await found("discount_code:SECOND") == 0
    assert await found(f"customer_id:{made.id}") == 1
    assert await found("customer_id:1") == 0
