"""Points as Smaregi may answer them: the documents leave much open, and none of it may break us."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.channels.smaregi import Balance, SmaregiSettings
from gateway.channels.smaregi.client import SmaregiClient
from gateway.channels.smaregi.points import PointsReader
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Link
from tests.channels.test_smaregi_client import GRANTED, POS, SETTINGS, TOKEN
from tests.upstream_answers import Answers, answers, kept, wire

POINT = re.compile(re.escape(f"{POS}/customers/point") + r"\?.*")
CUSTOMERS = re.compile(re.escape(f"{POS}/customers") + r"\?.*")
LINK = Link("smaregi", 7000000000001, "5", "0012345")


@asynccontextmanager
async def a_reader(**changes: Any) -> AsyncIterator[tuple[PointsReader, Answers]]:
    settings: SmaregiSettings = SETTINGS.model_copy(update=changes)
    with answers() as said:
        async with wire() as sender:
            clock = asyncio.get_running_loop().time
            client = SmaregiClient(sender, kept(settings), clock)
            said.say("POST", TOKEN, GRANTED)
            yield PointsReader(client, kept(settings), clock), said


ROW = {"customerId": "5", "mile": "0", "point": "1250", "pointExpireDate": "2026-12-31"}


@pytest.mark.parametrize(
    ("payload", "points", "expires_on"),
    [
        ([ROW], 1250, "2026-12-31"),
        (ROW, 1250, "2026-12-31"),
        ([ROW | {"customerId": 5, "point": 1250}], 1250, "2026-12-31"),
        ([{"customerId": "55", "point": "9"}, ROW], 1250, "2026-12-31"),
        (ROW | {"point": "-30"}, -30, "2026-12-31"),
        (ROW | {"point": "1250.0"}, 1250, "2026-12-31"),
        (ROW | {"point": ""}, 0, "2026-12-31"),
        (ROW | {"point": None}, 0, "2026-12-31"),
        (ROW | {"pointExpireDate": "2026/12/31"}, 1250, "2026-12-31"),
        (ROW | {"pointExpireDate": "20261231"}, 1250, "2026-12-31"),
        (ROW | {"pointExpireDate": "2026-12-31T23:59:59+09:00"}, 1250, "2026-12-31"),
        (ROW | {"pointExpireDate": None}, 1250, None),
        (ROW | {"pointExpireDate": ""}, 1250, None),
        (ROW | {"pointExpireDate": "0000-00-00"}, 1250, None),
    ],
)
async def test_a_balance_is_understood(payload: Any, points: int, expires_on: str | None) -> None:
    async with a_reader() as (reader, said):
        said.say("GET", POINT, payload)
        assert await reader.read(LINK.customer_id, LINK) == Balance(points, expires_on, "0012345")


async def test_an_expiry_that_the_points_do_not_have_is_read_from_the_member() -> None:
    async with a_reader() as (reader, said):
        said.say("GET", POINT, [{"customerId": "5", "point": "7"}])
        said.say("GET", f"{POS}/customers/5", ROW | {"point": "6"})
        balance = await reader.read(LINK.customer_id, LINK)
    assert balance == Balance(7, "2026-12-31", "0012345")


@pytest.mark.parametrize(("status", "payload"), [(404, {}), (200, [])])
async def test_a_member_who_is_gone_has_no_balance(status: int, payload: Any) -> None:
    async with a_reader() as (reader, said):
        said.say("GET", POINT, payload, status=status)
        assert await reader.read(LINK.customer_id, LINK) is None


@pytest.mark.parametrize(
    "payload",
    [
        [{"customerId": "55", "point": "9", "pointExpireDate": None}],
        [{"customerId": "5", "pointExpireDate": None}],
        ROW | {"point": "many"},
        ROW | {"point": {}},
        "text",
        None,
        [1],
    ],
    ids=str,
)
async def test_what_is_not_this_members_balance_is_unexpected(payload: Any) -> None:
    async with a_reader() as (reader, said):
        said.say("GET", POINT, payload)
        with pytest.raises(UpstreamError) as caught:
            await reader.read(LINK.customer_id, LINK)
    assert caught.value.error_class is ErrorClass.UNEXPECTED


@pytest.mark.parametrize(
    ("field", "rows", "number"),
    [
        ("customerCode", [{"customerId": "5", "customerCode": "7000000000001"}], "7000000000001"),
        ("customerCode", [{"customerId": "4", "customerCode": "7", "status": "0"}], None),
        (
            "customerCode",
            [{"customerId": "5", "customerCode": "7000000000001", "status": "4"}],
            None,
        ),
    ],
)
async def test_without_a_link_the_member_is_found_by_our_number(
    field: str, rows: list[Any], number: str | None
) -> None:
    async with a_reader(smaregi_link_field=field) as (reader, said):
        said.say("GET", CUSTOMERS, rows)
        said.say("GET", POINT, ROW)
        balance = await reader.read(7000000000001, None)
    assert (balance.member_number if balance else None) == number


async def test_a_linked_plastic_card_is_found_by_its_second_number() -> None:
    row = {"customerId": "5", "customerCode": "0012345", "customerNo": "7000000000001"}
    async with a_reader(smaregi_link_field="customerNo") as (reader, said):
        said.say("GET", CUSTOMERS, [])
        said.say("GET", CUSTOMERS, [row])
        said.say("GET", POINT, ROW)
        balance = await reader.read(7000000000001, None)
    assert balance == Balance(1250, "2026-12-31", "0012345")


async def test_a_number_too_short_for_a_customer_is_not_looked_for() -> None:
    """It could be the number on a stranger's card."""
    async with a_reader() as (reader, said):
        assert await reader.read(12345, None) is None
        assert said.sent == []


@pytest.mark.parametrize(("reads", "apart"), [(10, 0.25), (50, 0.05), (1000, 0.03)])
async def test_refreshes_of_the_index_take_two_fifths_of_the_reads_at_most(
    reads: float, apart: float
) -> None:
    settings: SmaregiSettings = SETTINGS.model_copy(update={"smaregi_reads_per_second": reads})
    async with wire() as sender:
        client = SmaregiClient(sender, kept(settings), asyncio.get_running_loop().time)
        assert client.seconds_apart() == pytest.approx(apart)


async def test_more_readers_than_the_share_has_room_for_are_sent_away_at_once() -> None:
    async with a_reader(smaregi_reads_per_second=50) as (reader, said):
        said.say("GET", POINT, ROW, repeat=True)
        readers = [asyncio.ensure_future(reader.read(LINK.customer_id, LINK)) for _ in range(100)]
        await asyncio.sleep(0)
        assert len([reader for reader in readers if not reader.done()]) == 20
        refused = [error for r in readers if r.done() and (error := r.exception()) is not None]
        assert len(refused) >= 70, "some of the first were answered at once"
        for error in refused:
            assert isinstance(error, UpstreamError)
            assert (error.error_class, error.applied) == (ErrorClass.RATE_LIMIT, False)
            assert error.retry_after
        for waiting in readers:
            waiting.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        assert (await reader.read(LINK.customer_id, LINK)) is not None, "the room is free again"
