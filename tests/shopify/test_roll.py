"""The roll of customers: its period, its pages, and answers that are none."""

from typing import Any

import pytest

from gateway.errors import ErrorClass, UpstreamError
from gateway.shopify import Created, ListedPage, Roll
from tests.shopify.nodes import ID, answered, node
from tests.shopify.test_client import GRAPHQL, client

NOON = 1_700_049_600.0  # 2023-11-15T12:00:00Z


def a_page(*nodes: Any, after: str | None = None) -> Any:
    info = {"hasNextPage": after is not None, "endCursor": after}
    return answered({"customers": {"nodes": list(nodes), "pageInfo": info}})


def made(day: int, number: int = ID) -> dict[str, Any]:
    at = f"2023-11-{day:02}T12:00:00Z"
    return node(id=f"gid://shopify/Customer/{number}", createdAt=at)


async def page_of(payload: Any, created: Created = Created()) -> tuple[ListedPage, Any]:  # noqa: B008
    async with client() as (graphql, said, _):
        said.say("POST", GRAPHQL, payload)
        listed = await Roll(graphql).page(created, "here")
    (request,) = said.sent
    return listed, request.json["variables"]


@pytest.mark.parametrize(
    ("created", "query"),
    [
        (Created(), None),
        (Created(since=NOON), "customer_date:>='2023-11-15T12:00:00Z'"),
        (Created(until=NOON + 0.9), "customer_date:<='2023-11-15T12:00:00Z'"),
        (
            Created(NOON, NOON),
            "customer_date:>='2023-11-15T12:00:00Z' customer_date:<='2023-11-15T12:00:00Z'",
        ),
    ],
)
async def test_the_period_is_asked_for_in_whole_seconds(
    created: Created, query: str | None
) -> None:
    _, variables = await page_of(a_page(), created)
    assert variables == {"first": 100, "after": "here", "query": query}


async def test_a_page_names_where_the_next_begins() -> None:
    listed, _ = await page_of(a_page(made(15), after="there"))
    assert ([c.id for c in listed.customers], listed.listed, listed.after) == ([ID], 1, "there")
    last, _ = await page_of(a_page())
    assert (last.customers, last.listed, last.after) == ((), 0, None)


async def test_who_is_outside_the_period_is_left_out_whatever_shopify_made_of_the_query() -> None:
    """It ignores a field that it does not know."""
    payload = a_page(*(made(day, ID + day) for day in (14, 15, 16, 17)))
    listed, _ = await page_of(payload, Created(NOON, NOON + 86400))
    assert [customer.id for customer in listed.customers] == [ID + 15, ID + 16]
    assert listed.listed == 4


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"customers": None},
        {"customers": {"nodes": [{"createdAt": "2023-11-15T12:00:00Z"}], "pageInfo": {}}},
        {"customers": {"nodes": [made(15) | {"createdAt": "soon"}], "pageInfo": {}}},
        {"customers": {"nodes": [made(15)], "pageInfo": {}}},
        {"customers": {"nodes": [None], "pageInfo": {"hasNextPage": False}}},
    ],
)
async def test_an_answer_that_is_no_page_is_unexpected(data: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        await page_of(answered(data))
    assert caught.value.error_class is ErrorClass.UNEXPECTED


@pytest.mark.parametrize(
    ("data", "count"),
    [
        ({"customersCount": {"count": 12, "precision": "EXACT"}}, 12),
        ({"customersCount": None}, None),
        ({"customersCount": {"count": "many"}}, None),
    ],
)
async def test_the_count_is_told_where_shopify_tells_it(data: Any, count: int | None) -> None:
    async with client() as (graphql, said, _):
        said.say("POST", GRAPHQL, answered(data))
        assert await Roll(graphql).count(Created(since=NOON)) == count
    (request,) = said.sent
    assert request.json["variables"] == {"query": "created_at:>='2023-11-15T12:00:00Z'"}
