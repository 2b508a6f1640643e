"""Orders of the shop: what is shown of them as they are paid, edited, refunded and cancelled."""

from typing import Any

import pytest

from gateway.sandbox import ShopifyOptions
from tests.sandbox.conftest import Clients, unlimited

_MONEY = "{ shopMoney { amount } }"
READ = f"""query($id: ID!) {{ order(id: $id) {{
  displayFinancialStatus cancelledAt customer {{ id }}
  currentSubtotalPriceSet {_MONEY} netPaymentSet {_MONEY} totalOutstandingSet {_MONEY}
  lineItems(first: 10) {{ nodes {{
    currentQuantity isGiftCard priceAfterAllDiscountsBeforeTaxesSet {_MONEY}
    discountAllocations {{ allocatedAmountSet {_MONEY} }} }} }} }} }}"""
LIST = """query($q: String) { orders(first: 10, query: $q, sortKey: UPDATED_AT) {
  nodes { id } } }"""


async def read(clients: Clients, order: Any) -> Any:
    return (await clients.graphql(READ, {"id": order.gid})).body["data"]["order"]


def amounts(shown: Any) -> tuple[str, int, int, int]:
    """(status, subtotal, net payment, outstanding)"""
    names = ("currentSubtotalPriceSet", "netPaymentSet", "totalOutstandingSet")
    whole = [int(float(shown[name]["shopMoney"]["amount"])) for name in names]
    return shown["displayFinancialStatus"], whole[0], whole[1], whole[2]


async def test_an_order_is_paid_edited_refunded_and_cancelled(clients: Clients) -> None:
    orders = clients.sandbox.shopify.orders
    made = clients.sandbox.shopify.add_customer(email="a@example.com")
    lines = [orders.line(1000, 2, discount=200), orders.line(3000, 1, is_gift_card=True)]
    order = orders.place(made.id, lines, paid=False, shipping=500)
    assert amounts(await read(clients, order)) == ("PENDING", 4800, 0, 5300)
    orders.pay(order)
    assert amounts(await read(clients, order)) == ("PAID", 4800, 5300, 0)
    orders.refund(order, {0: 1})
    assert amounts(await read(clients, order)) == ("PARTIALLY_REFUNDED", 3900, 4400, 0)
    orders.refund(order, goodwill=100)
    assert amounts(await read(clients, order)) == ("PARTIALLY_REFUNDED", 3900, 4300, 0)
    orders.edit(order, 2, 1)
    assert amounts(await read(clients, order)) == ("PARTIALLY_REFUNDED", 4400, 4300, 500)
    shown = await read(clients, order)
    assert shown["customer"]["id"] == made.gid
    first = shown["lineItems"]["nodes"][0]
    assert first["currentQuantity"] == 1
    assert first["priceAfterAllDiscountsBeforeTaxesSet"]["shopMoney"]["amount"] == "819.0"
    orders.cancel(order)
    shown = await read(clients, order)
    assert shown["cancelledAt"]
    assert amounts(shown)[0] == "REFUNDED"


async def test_an_edit_that_takes_goods_away_leaves_money_to_be_paid_back(clients: Clients) -> None:
    orders = clients.sandbox.shopify.orders
    order = orders.place(None, [1000, 700])
    orders.edit(order, 1, 0)
    assert amounts(await read(clients, order)) == ("PAID", 1000, 1700, -700)
    orders.settle_up(order)
    assert amounts(await read(clients, order)) == ("PARTIALLY_REFUNDED", 1000, 1000, 0)


@pytest.mark.parametrize(
    "options",
    [unlimited(shopify=ShopifyOptions(scopes=frozenset({"read_customers", "write_customers"})))],
)
async def test_orders_want_their_scope(clients: Clients) -> None:
    order = clients.sandbox.shopify.orders.place(None, [1000])
    reply = await clients.graphql(READ, {"id": order.gid})
    assert reply.body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


async def test_an_order_of_more_than_60_days_is_not_seen(clients: Clients) -> None:
    order = clients.sandbox.shopify.orders.place(None, [1000])
    assert len((await clients.graphql(LIST, {"q": None})).body["data"]["orders"]["nodes"]) == 1
    order.created_at -= 61 * 86400
    assert await read(clients, order) is None
    assert (await clients.graphql(LIST, {"q": None})).body["data"]["orders"]["nodes"] == []


async def test_orders_are_made_and_changed_by_the_control_api(clients: Clients) -> None:
    made = clients.sandbox.shopify.add_customer(email="a@example.com")
    wanted = {"customer": made.id, "prices": [1200, 800], "paid": False}
    reply = await clients.control("POST", "orders", json=wanted)
    path = f"orders/{reply.body['id']}"
    for change in (
        {"do": "pay"},
        {"do": "fulfil"},
        {"do": "refund", "lines": {"0": 1}},
        {"do": "edit", "line": 1, "quantity": 2},
        {"do": "cancel"},
    ):
        assert (await clients.control("PATCH", path, json=change)).status == 200
    (shown,) = (await clients.control("GET", "state")).body["shopify"]["orders"]
    assert (shown["customer"], shown["cancelled"], shown["net_payment"]) == (made.id, True, 0)
    assert (await clients.control("PATCH", path, json={"do": "eat"})).status == 400
    assert (await clients.control("POST", "orders", json={"customer": 1})).status == 400
    member = clients.sandbox.smaregi.add(lastName="山田", firstName="太郎")
    sale = {"member": member, "new_point": 12}
    assert (await clients.control("POST", "sales", json=sale)).status == 201
    (transaction,) = (await clients.control("GET", "state")).body["smaregi"]["transactions"]
    assert transaction["newPoint"] == "12"
