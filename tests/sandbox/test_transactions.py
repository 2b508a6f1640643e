"""Smaregi's transactions and stores: what they take, refuse and find."""

from typing import Any

import pytest

from gateway.sandbox import SmaregiOptions
from tests.sandbox.conftest import Clients, Reply, unlimited

SCOPES = "pos.transactions:read pos.transactions:write pos.stores:read"
AT = "2027-01-15T17:00:00+09:00"
AROUND = {
    "terminal_tran_date_time-from": "2027-01-15T16:59:59+09:00",
    "terminal_tran_date_time-to": "2027-01-15T17:00:01+09:00",
}


def strict(**changes: Any) -> Any:
    settings = {"reads_per_second": None, "writes_per_second": None} | changes
    return unlimited(smaregi=SmaregiOptions(**settings))


def movement(member: int, **changes: Any) -> dict[str, Any]:
    body = {
        "transactionHeadDivision": "6",
        "subtotal": "0",
        "total": "0",
        "newPoint": "10",
        "storeId": "1",
        "terminalId": "999999999",
        "terminalTranId": "1",
        "terminalTranDateTime": AT,
        "customerId": str(member),
        "sumDivision": "2",
        "sumDate": "2027-01-15",
        "transactionUuid": "E000000001-1",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def a_member(clients: Clients, points: int = 0) -> int:
    member = clients.sandbox.smaregi.add(lastName="山田", firstName="太郎")
    clients.sandbox.smaregi.edit(member, point=str(points))
    return member


def balance(clients: Clients, member: int) -> int:
    return int(clients.sandbox.smaregi.members[member]["point"] or "")


async def posted(clients: Clients, body: dict[str, Any]) -> Reply:
    return await clients.smaregi("POST", "/transactions", await clients.grant(SCOPES), json=body)


async def listed(clients: Clients, **query: str) -> Reply:
    token = await clients.grant(SCOPES)
    return await clients.smaregi("GET", "/transactions", token, params=query)


async def test_posted_points_move_the_balance_and_are_found_by_their_uuid(clients: Clients) -> None:
    member = a_member(clients, 100)
    assert (await posted(clients, movement(member))).body["transactionHeadId"] == "1"
    assert balance(clients, member) == 110
    taken = {"transactionHeadDivision": "7", "newPoint": None, "spendPoint": "30"}
    again = movement(member, terminalTranId="2", transactionUuid="E000000001-2", **taken)
    assert (await posted(clients, again)).status == 200
    assert balance(clients, member) == 80
    (found,) = (await listed(clients, **AROUND, transaction_uuid="E000000001-2")).body
    assert (found["spendPoint"], found["point"], found["totalPoint"]) == ("30", "110", "80")
    assert found["customerId"] == str(member)


@pytest.mark.parametrize(
    "changes",
    [
        {"subtotal": None},
        {"terminalTranDateTime": None},
        {"terminalTranDateTime": "2027-01-15T17:00:00"},
        {"storeId": "2"},
        {"customerId": "99"},
        {"customerId": None},
        {"customerCode": "another"},
        {"newPoint": "0"},
        {"newPoint": 10},
        {"newPoint": "-10"},
        {"spendPoint": "5"},
        {"transactionHeadDivision": "1"},
        {"transactionHeadDivision": "8"},
        {"sumDate": None},
        {"sumDivision": None},
        {"transactionUuid": "E0000000001-1x"},
        {"point": "100"},
    ],
)
async def test_what_a_movement_lacks_or_has_too_much_is_refused(
    clients: Clients, changes: dict[str, Any]
) -> None:
    member = a_member(clients, 100)
    assert (await posted(clients, movement(member, **changes))).status == 400
    assert balance(clients, member) == 100


@pytest.mark.parametrize(
    ("options", "second", "points"),
    [(strict(), 400, 10), (strict(tuple_rule=False), 200, 20)],
)
async def test_the_same_again_is_refused_or_counts_twice(
    clients: Clients, second: int, points: int
) -> None:
    member = a_member(clients)
    assert (await posted(clients, movement(member))).status == 200
    assert (await posted(clients, movement(member))).status == second
    assert balance(clients, member) == points


@pytest.mark.parametrize(
    ("options", "status", "points"), [(strict(), 400, 5), (strict(overdraft=True), 200, -5)]
)
async def test_more_than_there_are_is_refused_or_goes_below_nothing(
    clients: Clients, status: int, points: int
) -> None:
    member = a_member(clients, 5)
    taken = {"transactionHeadDivision": "7", "newPoint": None, "spendPoint": "10"}
    assert (await posted(clients, movement(member, **taken))).status == status
    assert balance(clients, member) == points


@pytest.mark.parametrize("options", [strict(posted_points_count=False, post_says="nothing")])
async def test_a_contract_where_posted_points_do_not_count(clients: Clients) -> None:
    member = a_member(clients, 5)
    reply = await posted(clients, movement(member))
    assert (reply.status, reply.body) == (200, {})
    assert balance(clients, member) == 5


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"transaction_uuid": "E000000001-1"},
        {"terminal_tran_date_time-from": AT},
        AROUND | {"terminal_tran_date_time-from": "2026-12-01T00:00:00+09:00"},
        AROUND | {"customer_id": "1"},
    ],
)
async def test_a_list_wants_a_period_of_31_days_and_knows_its_parameters(
    clients: Clients, query: dict[str, str]
) -> None:
    assert (await listed(clients, **query)).status == 400


async def test_a_till_sale_and_point_add_leave_a_transaction_and_a_cancelled_one_goes_back(
    clients: Clients,
) -> None:
    smaregi, member = clients.sandbox.smaregi, a_member(clients, 100)
    head = smaregi.sale(member, new_point=7, spend_point=50)
    added = await clients.smaregi("POST", f"/customers/{member}/point/add", json={"point": "-20"})
    (head_id,) = added.body["transactionHeadIds"]
    row = smaregi.transactions.rows[int(head_id)]
    assert (row["transactionHeadDivision"], row["spendPoint"]) == ("7", "20")
    assert balance(clients, member) == 37
    smaregi.cancel(head)
    smaregi.cancel(head)
    assert balance(clients, member) == 80
    with pytest.raises(ValueError, match="not so many"):
        smaregi.sale(member, spend_point=81)


async def test_stores_tell_their_conditions_and_want_their_scope(clients: Clients) -> None:
    token = await clients.grant(SCOPES)
    query = {"with_point_condition": "all"}
    (store,) = (await clients.smaregi("GET", "/stores", token, params=query)).body
    assert store["pointCondition"]["pointGivingUnitPrice"] == "100"
    (bare,) = (await clients.smaregi("GET", "/stores", token)).body
    assert "pointCondition" not in bare
    members = await clients.grant()
    assert (await clients.smaregi("GET", "/stores", members)).status == 403
    assert (await clients.smaregi("GET", "/transactions", members, params=AROUND)).status == 403
    assert (await clients.smaregi("GET", "/customers", token)).status == 403
