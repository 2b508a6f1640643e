"""What Smaregi's platform API takes, refuses and finds."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from gateway.sandbox import SmaregiOptions
from gateway.sandbox.smaregi.fields import ALWAYS, COLUMNS
from gateway.sandbox.smaregi.members import iso
from tests.sandbox.conftest import Clients, unlimited

MEMBER = {"customerCode": "7000000000001", "lastName": "山田", "firstName": "太郎"}


def smaregi(**changes: Any) -> Any:
    settings = {"reads_per_second": None, "writes_per_second": None} | changes
    return unlimited(smaregi=SmaregiOptions(**settings))


async def test_created_member_has_defaults_and_string_values(clients: Clients) -> None:
    reply = await clients.smaregi("POST", "/customers", json=MEMBER)
    assert reply.status == 200
    assert reply.body["customerId"] == "1"
    assert reply.body["mailReceiveFlag"] == "1"
    assert reply.body["updDateTime"].endswith("+09:00")
    assert all(value is None or isinstance(value, str) for value in reply.body.values())


@pytest.mark.parametrize("options", [smaregi(numeric_ids=True)])
async def test_customer_id_may_come_as_a_number(clients: Clients) -> None:
    made = await clients.smaregi("POST", "/customers", json=MEMBER)
    listed = await clients.smaregi("GET", "/customers")
    assert made.body["customerId"] == listed.body[0]["customerId"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"customerCode": None},
        {"lastName": ""},
        {"customerCode": "x" * 21},
        {"customerCode": "会員"},
        {"lastName": "あ" * 86},
        {"lastKana": "やまだ"},
        {"lastKana": "ﾔﾏﾀﾞ"},
        {"address": "あ" * 86},
        {"postCode": "150-0043-000"},
        {"phoneNumber": "０９０"},
        {"phoneNumber": "0" * 21},
        {"phoneNumber": ""},
        {"birthDate": "1990-02-30"},
        {"birthDate": "19900401"},
        {"sex": "3"},
        {"sex": 1},
        {"status": "5"},
        {"mailReceiveFlag": "yes"},
        {"point": "100"},
        {"noSuchField": "x"},
    ],
)
async def test_create_refuses_with_prose_and_changes_nothing(
    clients: Clients, change: dict[str, Any]
) -> None:
    reply = await clients.smaregi("POST", "/customers", json=MEMBER | change)
    assert reply.status == 400
    assert {"type", "title", "detail"} <= reply.body.keys()
    assert len(clients.sandbox.smaregi.members) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"lastName": "あ" * 85, "lastKana": "ヤマダ・ー A", "address": "あ" * 85},
        {"phoneNumber": "0" * 20, "postCode": "150-0043", "sex": "2", "birthDate": "1990-04-01"},
        {"customerNo": "No.1"},
    ],
)
async def test_create_takes_what_is_within_the_limits(
    clients: Clients, change: dict[str, str]
) -> None:
    reply = await clients.smaregi("POST", "/customers", json=MEMBER | change)
    assert reply.status == 200
    assert reply.body.items() >= change.items()


@pytest.mark.parametrize("field", ["customerCode", "customerNo"])
async def test_codes_and_numbers_are_unique(clients: Clients, field: str) -> None:
    await clients.smaregi("POST", "/customers", json=MEMBER | {"customerNo": "1"})
    other = MEMBER | {"customerCode": "2", "customerNo": "2"}
    taken = {"customerCode": MEMBER["customerCode"], "customerNo": "1"}[field]
    assert (await clients.smaregi("POST", "/customers", json=other)).status == 200
    reply = await clients.smaregi("PATCH", "/customers/2", json={field: taken})
    assert reply.status == 400
    reply = await clients.smaregi("PATCH", "/customers/1", json={field: taken})
    assert reply.status == 200
    reply = await clients.smaregi(
        "POST", "/customers", json=other | {"customerCode": "3", "customerNo": "3", field: taken}
    )
    assert reply.status == 400


async def test_patch_changes_only_what_is_sent(clients: Clients) -> None:
    await clients.smaregi("POST", "/customers", json=MEMBER | {"note": "old card"})
    reply = await clients.smaregi("PATCH", "/customers/1", json={"customerCode": "77"})
    assert (reply.body["customerCode"], reply.body["note"]) == ("77", "old card")
    assert (await clients.smaregi("PATCH", "/customers/1", json={"lastName": ""})).status == 400
    assert (await clients.smaregi("PATCH", "/customers/9", json={"note": "x"})).status == 404
    old = await clients.smaregi("GET", "/customers?customer_code=7000000000001")
    new = await clients.smaregi("GET", "/customers?customer_code=77&fields=customerId")
    assert (old.body, new.body) == ([], [{"customerId": "1"}])


@pytest.mark.parametrize("options", [smaregi(required=frozenset({"birthDate"}))])
async def test_contract_may_require_more(clients: Clients) -> None:
    reply = await clients.smaregi("GET", "/customer_required_column_setting")
    wanted = {each["columnName"] for each in reply.body if each["value"] == "1"}
    assert wanted == {"birthDate"}
    assert (await clients.smaregi("POST", "/customers", json=MEMBER)).status == 400
    more = MEMBER | {"birthDate": "1990-04-01"}
    assert (await clients.smaregi("POST", "/customers", json=more)).status == 200


@pytest.mark.parametrize(
    "query",
    [
        "mail_address=a@example.jp",
        "mailAddress=a@example.jp",
        "phone_number=090",
        "last_name=x",
        "limit=0",
        "limit=1001",
        "page=0",
        "fields=customerId,nonsense",
        "fields=customerId,point",
        "fields=mile",
        "with_points=1",
        "sort=mailAddress",
        "upd_date_time-from=yesterday",
        "upd_date_time-from=2026-11-01T00:00:00",
        "upd_date_time-from=2026-01-01T00:00:00Z&upd_date_time-to=2026-02-02T00:00:00Z",
        "upd_date_time-from=2020-01-01T00:00:00Z",
    ],
)
async def test_list_refuses_filters_that_do_not_exist_or_reach_too_far(
    clients: Clients, query: str
) -> None:
    assert (await clients.smaregi("GET", f"/customers?{query}")).status == 400


async def test_changed_members_are_found_by_time_within_31_days(clients: Clients) -> None:
    system = clients.sandbox.smaregi
    system.fill(50)
    before = quote(iso(system.now()))
    member_id = system.add(lastName="山田", firstName="太郎")
    system.edit(7, mailAddress="new@example.jp")
    reply = await clients.smaregi("GET", f"/customers?upd_date_time-from={before}")
    assert {row["customerId"] for row in reply.body} == {"7", str(member_id)}
    assert reply.body[0]["mailAddress"] == "new@example.jp"


async def test_filled_members_are_found_by_the_time_of_their_change(clients: Clients) -> None:
    system = clients.sandbox.smaregi
    system.fill(1000)
    at = datetime.fromisoformat(system.members.row(500)["updDateTime"] or "")  # type: ignore[index]
    span = [quote((at + timedelta(minutes=m)).isoformat()) for m in (-2, 2)]
    path = f"/customers?upd_date_time-from={span[0]}&upd_date_time-to={span[1]}"
    reply = await clients.smaregi("GET", f"{path}&sort=updDateTime:desc&fields=customerId")
    assert [row["customerId"] for row in reply.body] == ["502", "501", "500", "499", "498"]


async def test_scan_by_id_ranges_meets_every_member_once(clients: Clients) -> None:
    system = clients.sandbox.smaregi
    system.fill(2500, seed=3)
    system.remove(1200)
    added = system.add(lastName="山田", firstName="太郎")
    seen: list[int] = []
    low, token = 0, await clients.grant()
    for _ in range(10):
        query = f"customer_id-from={low}&limit=1000&sort=customerId:asc&fields=customerId"
        reply = await clients.smaregi("GET", f"/customers?{query}", token)
        seen += [int(row["customerId"]) for row in reply.body]
        if len(reply.body) < 1000:
            break
        low = seen[-1] + 1
    assert seen == [*range(1, 1200), *range(1201, 2501), added]
    paged = await clients.smaregi("GET", "/customers?limit=10&page=2&sort=customerId:desc", token)
    assert paged.body[0]["customerId"] == str(added - 10)


async def test_filled_members_are_the_same_each_time_and_can_be_linked(clients: Clients) -> None:
    clients.sandbox.smaregi.fill(100, seed=5)
    once = await clients.smaregi("GET", "/customers/42")
    twice = await clients.smaregi("GET", "/customers?customer_code=00000042")
    assert [once.body] == twice.body
    await clients.smaregi("PATCH", "/customers/42", json={"customerCode": "7000000000001"})
    gone = await clients.smaregi("GET", "/customers?customer_code=00000042")
    assert gone.body == []
    assert clients.sandbox.smaregi.members[42]["lastName"] == once.body["lastName"]


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
