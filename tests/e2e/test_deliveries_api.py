"""The list of deliveries: its fields, filters, pages and orders."""

import pytest

from tests.e2e.evidence import (
    CHANNELS,
    assert_problem,
    fields_of,
)
from tests.e2e.many_deliveries import WRONG, listed, mixed
from tests.world import World

FIELDS = {
    "id",
    "registration_id",
    "request_id",
    "shopify_customer_id",
    "channel",
    "kind",
    "outcome",
    "error_class",
    "message",
    "reason",
    "attempts",
    "adjustments",
    "reference",
    "created_at",
    "updated_at",
    "next_attempt_at",
}


async def test_a_delivery_is_shown_with_the_contracts_fields(quick: World) -> None:
    reply = await quick.register()
    rows = await listed(quick)
    assert {row["channel"] for row in rows} == set(CHANNELS)
    for row in rows:
        assert row.keys() == FIELDS
        assert row["registration_id"] == reply.body["id"]
        assert row["shopify_customer_id"] == reply.body["shopify_customer_id"]
        assert (row["kind"], row["outcome"], row["attempts"]) == ("registration", "delivered", 1)
        assert row["reference"] == reply.channel(row["channel"])["reference"]
        assert row["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 9),
        ("?channel=crm", 3),
        ("?channel=crm,smaregi", 6),
        ("?outcome=delivered", 3),
        ("?outcome=retrying,failed", 6),
        ("?outcome=skipped", 0),
        ("?error_class=unavailable", 3),
        ("?error_class=invalid_data", 3),
        ("?error_class=invalid_data&channel=crm", 0),
        ("?since=2020-01-01", 9),
        ("?since=2020-01-01T00:00:00Z&until=2020-12-31T23:59:59%2B09:00", 0),
        ("?until=2020-01-01T00:00:00Z", 0),
        ("?since=2999-01-01", 0),
    ],
)
async def test_the_list_is_filtered(quick: World, query: str, count: int) -> None:
    await mixed(quick)
    assert len(await listed(quick, query)) == count


async def test_the_list_is_filtered_by_whose_it_is_by_kind_and_by_reason(quick: World) -> None:
    await mixed(quick)
    for query, count in {
        "?kind=registration": 9,
        "?kind=update,removal": 0,
        "?customer=7000000000001": 3,
        "?customer=gid://shopify/Customer/7000000000002&channel=email": 1,
        "?registration=unknown": 0,
        "?reason=550%205.1.1%20Mailbox%20unavailable": 3,
        "?reason=&outcome=retrying,failed": 3,
    }.items():
        assert len(await listed(quick, query)) == count, query


async def test_pages_hold_every_delivery_once(quick: World) -> None:
    await mixed(quick)
    seen: list[int] = []
    cursor = ""
    for _ in range(10):
        reply = await quick.get(f"/v1/deliveries?limit=2{cursor}")
        assert len(reply.body["deliveries"]) <= 2
        seen += [row["id"] for row in reply.body["deliveries"]]
        if reply.body["next_cursor"] is None:
            break
        cursor = f"&cursor={reply.body['next_cursor']}"
    assert sorted(seen) == sorted({row["id"] for row in await listed(quick)})
    assert len(seen) == 9


async def test_pages_of_every_order_hold_each_delivery_once(quick: World) -> None:
    await mixed(quick)
    await quick.replay(channel="crm", limit=1)
    for sort in ("newest", "oldest", "next", "tries"):
        whole = await listed(quick, f"?sort={sort}")
        assert [row["id"] for row in whole] == await _by_pages(quick, sort)
        by = {"next": "next_attempt_at", "tries": "attempts"}.get(sort, "id")
        keys = [row[by] for row in whole if row[by] is not None]
        assert keys == sorted(keys, reverse=sort in {"newest", "tries"})


async def _by_pages(world: World, sort: str) -> list[int]:
    seen: list[int] = []
    cursor = ""
    while len(seen) < 9:
        reply = await world.get(f"/v1/deliveries?limit=2&sort={sort}{cursor}")
        assert reply.body.get("total") == (None if cursor else 9)
        seen += [row["id"] for row in reply.body["deliveries"]]
        cursor = f"&cursor={reply.body['next_cursor']}"
    return seen


async def test_a_wrong_filter_of_the_list_is_422(quick: World) -> None:
    for name, value in WRONG:
        reply = await quick.get(f"/v1/deliveries?{name}={value}")
        assert_problem(reply, 422)
        assert fields_of(reply) == [name]


async def test_the_place_of_another_order_is_422(quick: World) -> None:
    for query in ("sort=tries&cursor=41", "sort=next&cursor=41", "sort=oldest&cursor=1.5:41"):
        reply = await quick.get(f"/v1/deliveries?{query}")
        assert_problem(reply, 422)
        assert fields_of(reply) == ["cursor"]
