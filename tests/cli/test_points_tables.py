"""What `points` shows on a terminal of 80 columns: no id, number or date is broken."""

import re
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import points

CUSTOMERS = ("8123456789012", "8123456789099")
ORDERS = ("6000000000001", "6000000000002")
MADE = "2026-11-21T09:00:00Z"


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")


def movement(number: int, order: str | None, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "order_id": order and int(order),
        "reservation_id": None if order else 12,
        "member_id": 123456,
        "points": 120,
        "state": "done",
        "uuid": f"E002KAN5XQ{number}-1",
        "transaction": "4711",
        "created_at": MADE,
        "message": None,
    } | fields


def order(order_id: str, customer: str, **fields: Any) -> dict[str, Any]:
    return {
        "order_id": int(order_id),
        "shopify_customer_id": f"gid://shopify/Customer/{customer}",
        "member_id": 123456,
        "state": "waiting",
        "reason": "no_member",
        "message": None,
        "points": 12000,
        "lacking": 300,
        "made_at": MADE,
        "movements": [],
    } | fields


def reservation(customer: str) -> dict[str, Any]:
    names = {"reservation_id": 12, "amount": 100, "expires_at": MADE, "state": "active"}
    return order(ORDERS[0], customer) | names


def shown(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], *typed: str) -> str:
    class Client:
        async def get(self, path: str, params: Any = None) -> Any:
            return answer

    def owner(action: Any, *, works: bool = False) -> Any:
        try:
            action(Client()).send(None)
        except StopIteration as end:
            return end.value

    monkeypatch.setattr(points, "_with_owner", owner)
    done = CliRunner().invoke(points.command, typed)
    assert done.exit_code == 0, done
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.output)
    assert max(map(len, text.splitlines())) <= 80
    return text


@pytest.mark.parametrize("customers", [CUSTOMERS[:1] * 2, CUSTOMERS], ids=["one", "two"])
def test_orders_of_whomever(monkeypatch: pytest.MonkeyPatch, customers: tuple[str, str]) -> None:
    rows = [order(*pair) for pair in zip(ORDERS, customers, strict=True)]
    text = shown(monkeypatch, {"orders": rows}, "list", "--orders", "waiting")
    for whole in (*ORDERS, *customers, "member 123456", "2026-11-21", "lacking"):
        assert whole in text
    assert f"{ORDERS[1]} is waiting: no_member" in text


def test_reservations_of_several_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [reservation(customer) for customer in CUSTOMERS]
    text = shown(monkeypatch, {"reservations": rows}, "list", "--reservations", "active")
    for whole in (*CUSTOMERS, "2026-11-21", "lacking", "12000"):
        assert whole in text


def test_movements_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = movement(2, None, member_id=7, state="stuck", message="Smaregi has it twice")
    rows = [movement(1, ORDERS[0]), stuck]
    text = shown(monkeypatch, {"movements": rows}, "list")
    for whole in (ORDERS[0], "reservation", "123456", "E002KAN5XQ1-1", "E002KAN5XQ2-1", "4711"):
        assert whole in text
    assert "2 is stuck: Smaregi has it twice" in text


def test_what_all_rows_of_a_customer_have_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = [movement(n, ORDERS[0]) for n in (1, 2)]
    answer = {
        "orders": [order(ORDERS[0], CUSTOMERS[0], movements=moved)],
        "reservations": [reservation(CUSTOMERS[0])],
    }
    text = shown(monkeypatch, answer, "show", CUSTOMERS[0])
    assert f"Orders: customer {CUSTOMERS[0]} member 123456" in text
    assert f"Reservations: customer {CUSTOMERS[0]} member 123456" in text
    assert f"Movements: for order {ORDERS[0]}, member 123456" in text
    assert text.count("2026-11-21 09:00") == 4
