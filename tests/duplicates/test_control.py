"""The owner's door: pages of the list, and what is refused."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.http.control import control_application
from gateway.sandbox import Fault
from gateway.store import duplicates
from tests.world import World

Control = TestClient[Any, Any]


@pytest.fixture
async def control(world: World) -> AsyncIterator[Control]:
    app = control_application(world.core, asyncio.Event(), lambda: False)
    async with TestClient(TestServer(app)) as client:
        yield client


async def known(world: World, number: int) -> None:
    """Pairs of every kind of score, some rejected; so new that no member is missed."""
    now = time.time()

    def unit(db: Any) -> None:
        for n in range(1, number + 1):
            duplicates.upsert(db, n, 100 - n, ("email",), 10 * (n % 4) - 10, now)
            if n % 5 == 0:
                duplicates.set_state(db, n, 100 - n, "rejected", now)

    await world.core.db.write(unit)


async def pages(control: Control, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = query | ({"cursor": cursor} if cursor else {})
        async with control.get("/control/duplicates", params=asked) as response:
            assert response.status == 200
            body = await response.json()
        rows += body["duplicates"]
        cursor = body["next_cursor"]
    return rows


@pytest.mark.parametrize("limit", ["1", "7", "1000"])
async def test_the_pages_hold_every_pair_once_the_likeliest_first(
    world: World, control: Control, limit: str
) -> None:
    await known(world, 30)
    rows = await pages(control, limit=limit)
    order = [(-row["score"], *row["members"]) for row in rows]
    assert order == sorted(order)
    assert len({tuple(row["members"]) for row in rows}) == len(rows) == 24
    assert len(await pages(control, limit=limit, all="1")) == 30
    least = await pages(control, limit=limit, min_score="10")
    assert least == [row for row in rows if row["score"] >= 10]


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/control/duplicates?limit=0", 422, "limit"),
        ("/control/duplicates?limt=3", 422, "limt"),
        ("/control/duplicates?cursor=1:2", 422, "cursor"),
        ("/control/duplicates?min_score=x", 422, "min_score"),
        ("/control/duplicates/7/7", 422, "two different members"),
        ("/control/duplicates/0/7", 422, "two different members"),
        ("/control/duplicates/7/x", 422, "two different members"),
        ("/control/duplicates/7/99999999999999999999", 422, "two different members"),
        ("/control/duplicates/7/99", 404, "no member 7"),
    ],
)
async def test_what_cannot_be_is_said(control: Control, path: str, status: int, says: str) -> None:
    async with control.get(path) as response:
        assert response.status == status
        assert says in await response.text()


@pytest.mark.parametrize(
    ("state", "status"), [(None, 404), ("open", 200), ("rejected", 200), ("merged", 409)]
)
async def test_only_what_is_not_merged_can_be_rejected(
    world: World, control: Control, state: duplicates.State | None, status: int
) -> None:
    def unit(db: Any) -> None:
        if state is not None:
            duplicates.upsert(db, 7, 9, ("email",), 50, time.time())
            duplicates.set_state(db, 7, 9, state, time.time())

    await world.core.db.write(unit)
    async with control.post("/control/duplicates/9/7/reject") as response:
        assert response.status == status
    kept = await world.core.db.read(lambda db: duplicates.get(db, 7, 9))
    assert (kept.state if kept else None) == ("rejected" if status == 200 else state)


async def test_while_smaregi_is_down_the_list_is_there_and_show_says_why_not(
    world: World, control: Control
) -> None:
    await known(world, 1)
    world.sandbox.faults.set("smaregi", Fault(kind="status", status=503))
    assert len(await pages(control)) == 1
    async with control.get("/control/duplicates/1/99") as response:
        assert response.status == 502
        assert "smaregi: read member: HTTP 503" in await response.text()
