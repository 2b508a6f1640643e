"""What a storefront is answered that asks to spend points."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.points import keeper
from gateway.sandbox import SmaregiOptions
from gateway.sandbox.smaregi.stores import a_store
from gateway.store.points import reservation_steps
from tests.points.spending import START, spending


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a quarter of an hour."""
    monkeypatch.setattr(keeper, "SETTLING", 0.0)


@pytest.mark.parametrize(
    ("points", "code"),
    [
        (0, "out_of_range"),
        (-1, "out_of_range"),
        (10**9, "out_of_range"),
        (1.5, "wrong_type"),
        ("500", "wrong_type"),
        (True, "wrong_type"),
        (None, "wrong_type"),
        ([], "wrong_type"),
        (15, "out_of_range"),
    ],
)
async def test_points_that_are_none_are_refused(tmp_path: Path, points: Any, code: str) -> None:
    async with spending(tmp_path) as spender:
        spender.shop.smaregi.stores["1"] = a_store(pointUseUnit="10")
        reply = await spender.ask(points)
        assert (reply.status, reply.body["type"]) == (422, "invalid-data")
        assert [(each["field"], each["code"]) for each in reply.body["errors"]] == [
            ("points", code)
        ]
        assert spender.shop.balance == START


async def test_a_wrong_body_is_refused(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        reply = await spender.ask(body={})
        assert reply.body["errors"][0]["code"] == "required"
        reply = await spender.ask(body={"points": 1, "point": 1})
        assert reply.body["errors"][0]["code"] == "unknown_field"


async def test_who_has_no_points_to_spend_is_told_so(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        reply = await spender.ask(START + 1)
        assert (reply.status, reply.body["type"]) == (409, "insufficient-points")
        assert reply.body["balance"] == START
        stranger = spender.shop.world.sandbox.shopify.add_customer(email="s@example.com")
        for customer in (stranger.id, 1, "x", 2**70):
            reply = await spender.ask(100, customer=customer)
            assert (reply.status, reply.body["type"]) == (404, "no-member"), customer
        spender.shop.world.sandbox.shopify.store.delete(
            spender.shop.world.sandbox.shopify.customers[spender.shop.customer]
        )
        reply = await spender.ask(100)
        assert (reply.status, reply.body["type"]) == (404, "no-member")


async def test_a_customer_has_one_open_reservation(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        made = await spender.reserve(100)
        reply = await spender.ask(200)
        assert (reply.status, reply.body["type"]) == (409, "reservation-active")
        assert reply.body["reservation_id"] == made["id"]
        await spender.delete(made["id"])
        assert (await spender.ask(200)).status == 201


async def test_requests_at_the_same_moment_take_points_once(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        replies = await asyncio.gather(*(spender.ask(400) for _ in range(5)))
        assert sorted(each.status for each in replies) == [201, 409, 409, 409, 409]
        assert spender.shop.balance == START - 400


async def test_the_same_key_gets_the_same_answer(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        first, second = await asyncio.gather(*(spender.ask(400, key="k") for _ in range(2)))
        assert first.body == second.body
        await spender.delete(first.body["id"])
        await spender.shop.rest()
        again = await spender.ask(400, key="k")
        assert (again.status, again.body) == (201, first.body)
        assert again.headers["Idempotent-Replayed"] == "true"
        other = await spender.ask(300, key="k")
        assert (other.status, other.body["type"]) == (422, "idempotency-key-reused")
        assert (await spender.ask(100, key="k" * 300)).status == 400
        assert spender.shop.balance == START


async def test_ten_an_hour_are_the_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reservation_steps, "MOST_AN_HOUR", 2)
    async with spending(tmp_path) as spender:
        for _ in range(2):
            made = await spender.reserve(10)
            await spender.delete(made["id"])
        reply = await spender.ask(10)
        assert (reply.status, reply.body["type"]) == (429, "too-many-requests")
        assert 3500 < int(reply.headers["Retry-After"]) <= 3600


async def test_the_flag_holds_tries_or_lets_some(tmp_path: Path) -> None:
    async with spending(tmp_path, FLAG_POINTS_SPEND="hold") as spender:
        reply = await spender.ask(100)
        assert (reply.status, reply.body["type"]) == (503, "points-unavailable")
        assert "Retry-After" in reply.headers
        spender.shop.world.set(FLAG_POINTS_SPEND="dry_run")
        reply = await spender.ask(100)
        assert (reply.status, reply.body["state"], reply.body["code"]) == (200, "dry_run", None)
        assert (await spender.ask(START + 1)).status == 409
        spender.shop.world.set(FLAG_POINTS_SPEND="on", FLAG_POINTS_SPEND_PERCENT="0")
        assert (await spender.ask(100)).status == 503
        spender.shop.world.set(FLAG_POINTS_SPEND_ALLOW="@example.com")
        assert (await spender.ask(100)).status == 201
        spender.shop.world.set(FLAG_SMAREGI="off")
        assert (await spender.ask(100)).status == 404
    assert spender.shop.balance == START - 100


async def test_another_customers_reservation_is_none_of_theirs(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        made = await spender.reserve(100)
        other, _ = await spender.shop.sign_up(email="b@example.com", phone="090-1111-2222")
        for method in ("GET", "DELETE"):
            for path in (
                spender.path(made["id"], other),
                *(spender.path(each) for each in ("0", "x", str(10**30), "-1")),
            ):
                reply = await spender.shop.world.request(method, path)
                assert (reply.status, reply.body["type"]) == (404, "not-found"), path
        assert await spender.state(made["id"]) == "active"


async def test_of_two_merged_customers_both_reservations_end_well(tmp_path: Path) -> None:
    async with spending(tmp_path, SmaregiOptions()) as spender:
        shop = spender.shop
        first = await spender.reserve(300)
        kept, member = await shop.sign_up(email="b@example.com", phone="090-1111-2222")
        shop.smaregi.edit(member, point="200")
        second = (await spender.ask(100, customer=kept)).body
        core = shop.world.core

        def merged(db: Any) -> None:
            reservation_steps.move_customer(db, shop.customer, kept, core.runtime.clock())

        await core.db.write(merged)
        await shop.rest()
        assert await spender.state(first["id"]) == "released"
        assert await spender.state(second["id"]) == "active"
        assert shop.balance == START
