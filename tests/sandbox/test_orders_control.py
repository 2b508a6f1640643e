"""Orders that are made and changed from the page, and points that are spent from it."""

from pathlib import Path

from tests.points.spending import START, spending
from tests.sandbox.conftest import Clients


async def test_an_order_is_placed_paid_edited_refunded_and_cancelled(clients: Clients) -> None:
    made = clients.sandbox.shopify.add_customer(email="a@example.com")
    wanted = {"customer": made.id, "prices": [1200, 800], "paid": False}
    placed = await clients.control("POST", "orders", json=wanted)
    assert (placed.status, placed.body["total"]) == (201, 2000)
    path = f"orders/{placed.body['id']}"
    states = []
    for deed in (
        {"do": "pay"},
        {"do": "edit", "line": 0, "quantity": 2},
        {"do": "refund", "lines": {"1": 1}},
        {"do": "cancel"},
    ):
        assert (await clients.control("PATCH", path, json=deed)).status == 200
        (order,) = (await clients.control("GET", "state")).body["shopify"]["orders"]
        states.append((order["status"], order["total"], order["first"]))
    assert [total for _, total, _ in states] == [2000, 3200, 2400, 2400]
    assert order["cancelled"]


async def test_a_code_that_the_checkout_refuses_is_said(clients: Clients) -> None:
    made = clients.sandbox.shopify.add_customer(email="a@example.com")
    wanted = {"customer": made.id, "prices": [1200], "codes": ["NONE"]}
    refused = await clients.control("POST", "orders", json=wanted)
    assert refused.status == 400
    assert "does not take the code NONE" in refused.body["error"]
    wanted = {"customer": made.id, "points": 100}
    assert (await clients.control("POST", "reserve", json=wanted)).status == 409  # no gateway


async def test_points_become_a_code_on_the_page(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        world = spender.shop.world
        world.sandbox.connect(world.url, f"{world.url}/admin")
        page = f"{world.sandbox.url}/_sandbox"
        wanted = {"customer": spender.shop.customer, "points": 300}
        async with world.session.post(f"{page}/reserve", json=wanted) as answer:
            told = await answer.json()
        assert (told["status"], told["body"]["points"]) == (201, 300)
        bought = {
            "customer": spender.shop.customer,
            "prices": [1000],
            "codes": [told["body"]["code"]],
        }
        async with world.session.post(f"{page}/orders", json=bought) as answer:
            assert (await answer.json())["total"] == 700
        assert spender.shop.balance == START - 300
