"""What Smaregi's platform API takes, refuses and finds."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from gateway.sandbox.smaregi.members import iso
from tests.sandbox.conftest import Clients
from tests.sandbox.smaregi_members import MEMBER, smaregi


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
