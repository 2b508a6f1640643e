"""Points that are reserved are reserved once, though the secret is exchanged meanwhile."""

from pathlib import Path

import pytest

from tests.points.spending import START, spending
from tests.rotation.rotating import OLD, STAGES, bring_to, in_database

KEY = "a key of the storefront"
IN_TIME = pytest.mark.parametrize("stage", STAGES[:2])
"""Remembered for a day, for which the old secret is kept."""


@IN_TIME
async def test_the_same_key_is_the_same_reservation(tmp_path: Path, stage: str) -> None:
    async with spending(tmp_path, GATEWAY_SECRET=OLD) as spender:
        first = await spender.ask(500, KEY)
        assert first.status == 201, first.body
        await bring_to(spender.shop.world, stage)
        again = await spender.ask(500, KEY)
        assert (again.status, again.body) == (201, first.body)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert (await spender.ask(499, KEY)).body["type"] == "idempotency-key-reused"
        assert spender.shop.balance == START - 500
        assert len(spender.discounts.rows) == 1


@IN_TIME
async def test_a_key_of_before_answers_also_once_its_points_were_used(
    tmp_path: Path, stage: str
) -> None:
    async with spending(tmp_path, GATEWAY_SECRET=OLD) as spender:
        first = await spender.ask(500, KEY)
        await spender.shop.notice(spender.shop.buy(1000, codes=[first.body["code"]]))
        await bring_to(spender.shop.world, stage)
        again = await spender.ask(500, KEY)
        assert (again.status, again.body) == (201, first.body)
        found = await in_database(spender.shop.world, "SELECT state FROM points_reservations")
        assert found == [("used",)]


async def test_a_key_whose_secret_is_gone_opens_no_second_one_beside_the_first(
    tmp_path: Path,
) -> None:
    async with spending(tmp_path, GATEWAY_SECRET=OLD) as spender:
        first = await spender.ask(500, KEY)
        await bring_to(spender.shop.world, "old one gone")
        again = await spender.ask(500, KEY)
        assert (again.status, again.body["type"]) == (409, "reservation-active")
        assert again.body["reservation_id"] == first.body["id"]
        assert spender.shop.balance == START - 500
