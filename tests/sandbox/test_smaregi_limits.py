"""The stand-in of Smaregi: points, columns, tokens, rates and times."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.sandbox.smaregi.fields import ALWAYS, COLUMNS
from tests.sandbox.conftest import Clients
from tests.sandbox.smaregi_members import MEMBER, smaregi


async def test_points_are_added_and_never_below_nothing(clients: Clients) -> None:
    await clients.smaregi("POST", "/customers", json=MEMBER)
    for point, status in (("100", 200), ("-30", 200), ("-100", 400), ("x", 400)):
        reply = await clients.smaregi("POST", "/customers/1/point/add", json={"point": point})
        assert reply.status == status
        assert ("transactionHeadIds" in reply.body) is (status == 200)
    balance = await clients.smaregi("GET", "/customers/point?customer_id=1")
    assert balance.body[0]["point"] == "70"


async def test_only_the_documented_columns_are_answered_and_points_are_none(
    clients: Clients,
) -> None:
    made = await clients.smaregi("POST", "/customers", json=MEMBER)
    alone = await clients.smaregi("GET", "/customers/1")
    (listed,) = (await clients.smaregi("GET", "/customers")).body
    assert made.body.keys() == alone.body.keys() == listed.keys() == {*COLUMNS}
    assert len(COLUMNS) == 41
    assert not {"point", "mile", "customerName", "emailAddress"} & {*COLUMNS}
    (points,) = (await clients.smaregi("GET", "/customers/point?customer_id=1")).body
    assert {*points} == {
        "customerId", "point", "mile", "pointExpireDate", "insDateTime", "updDateTime"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/customers/1?fields=point", None),
        ("GET", "/customers/point?customer_id=1&limit=1", None),
        ("GET", "/customer_required_column_setting?a=b", None),
        ("PATCH", "/customers/1?dry=1", {"note": "x"}),
        ("PATCH", "/customers/1", {"point": "5"}),
        ("POST", "/customers/1/point/add", {"point": "5", "memo": "x"}),
    ],
)
async def test_what_no_document_names_is_refused(
    clients: Clients, method: str, path: str, body: Any
) -> None:
    await clients.smaregi("POST", "/customers", json=MEMBER)
    assert (await clients.smaregi(method, path, json=body)).status == 400


@pytest.mark.parametrize(
    ("options", "birth_date"),
    [
        (smaregi(blanks="text"), [None]),
        (smaregi(blanks="null"), [None]),
        (smaregi(blanks="left out"), []),
    ],
)
async def test_a_blank_column_comes_in_any_of_three_forms(
    clients: Clients, birth_date: list[None]
) -> None:
    await clients.smaregi("POST", "/customers", json=MEMBER)
    row = (await clients.smaregi("GET", "/customers/1")).body
    assert [row[name] for name in ("birthDate",) if name in row] == birth_date
    assert row.keys() >= ALWAYS


@pytest.mark.parametrize("options", [smaregi(scopes=frozenset({"pos.customers:read"}))])
async def test_a_token_is_given_for_no_more_than_the_app_has(clients: Clients) -> None:
    token = await clients.grant("pos.customers:read pos.customers:write")
    assert (await clients.smaregi("GET", "/customers", token)).status == 200
    assert (await clients.smaregi("POST", "/customers", token, json=MEMBER)).status == 403


async def test_token_needs_basic_auth_and_scopes_count(clients: Clients) -> None:
    system = clients.sandbox.smaregi
    url = f"{system.id_url}/app/{system.options.contract_id}/token"
    assert (await clients.send("POST", url, data={})).status == 401
    read_only = await clients.grant("pos.customers:read")
    assert (await clients.smaregi("GET", "/customers", read_only)).status == 200
    assert (await clients.smaregi("POST", "/customers", read_only, json=MEMBER)).status == 403
    system.expire_tokens()
    assert (await clients.smaregi("GET", "/customers", read_only)).status == 401
    kinds = [entry.kind for entry in clients.sandbox.journal.of("smaregi")]
    assert kinds == ["token", "token", "read", "write", "read"]


@pytest.mark.parametrize(
    "options", [smaregi(reads_per_second=5, writes_per_second=2, retry_after=1)]
)
async def test_limits_are_a_second_and_separate_for_reads_and_writes(clients: Clients) -> None:
    token = await clients.grant()
    reads = await asyncio.gather(*(clients.smaregi("GET", "/customers", token) for _ in range(8)))
    writes = [
        await clients.smaregi("POST", "/customers", token, json=MEMBER | {"customerCode": str(n)})
        for n in range(3)
    ]
    assert sorted(reply.status for reply in reads) == [200] * 5 + [429] * 3
    assert [reply.status for reply in writes] == [200, 200, 429]
    assert writes[2].headers["Retry-After"] == "1"
    assert clients.sandbox.smaregi.peak_reads_per_second == 8
    assert clients.sandbox.smaregi.peak_writes_per_second == 3


@pytest.mark.parametrize("options", [smaregi(skew=7200.0)])
async def test_times_are_by_the_systems_own_clock(clients: Clients) -> None:
    reply = await clients.smaregi("POST", "/customers", json=MEMBER)
    ahead = datetime.fromisoformat(reply.body["updDateTime"]) - datetime.now(UTC)
    assert timedelta(minutes=119) < ahead <= timedelta(hours=2)


async def test_a_million_members_are_filled_at_once_and_paged_quickly(clients: Clients) -> None:
    system = clients.sandbox.smaregi
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert len(system.fill(1_000_000)) == 1_000_000
    reply = await clients.smaregi("GET", "/customers?customer_id-from=999001&limit=1000")
    assert len(reply.body) == 1000
    assert loop.time() - began < 2
