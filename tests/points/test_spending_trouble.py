"""No point that a customer spends is lost or taken twice, whatever fails."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.points import keeper, sender, worker
from gateway.points.eligibility import Eligibility
from gateway.points.holding import balance_books
from gateway.sandbox import Fault, SmaregiOptions
from gateway.store import erasure
from gateway.store.points import reservations
from tests.duplicates.mending import store_member, told
from tests.points.spending import START, Spender, spending

POST, CREATE = "POST /transactions", "discountCodeBasicCreate"
FIND, END, ORDERS = "codeDiscountNodeByCode", "discountCodeDeactivate", "orders"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of minutes."""
    for module, name, value in (
        *((sender, "PATIENCE", 0.4), (sender, "WATCHED", 0.2), (sender, "_LOOK_AGAIN", 0.1)),
        *((sender, "_WEIGH_AGAIN", 0.05), (worker, "_AGAIN", 0.1), (worker, "_SHORTEST", 0.1)),
        *((worker, "_LONGEST", 0.2), (keeper, "SETTLING", 0.0), (keeper, "PATIENCE", 0.4)),
        *((keeper, "_LOOK_AGAIN", 0.05), (keeper, "_READ_AGAIN", 0.05)),
    ):
        monkeypatch.setattr(module, name, value)


TAKING = [
    ("smaregi", Fault("reset", match=POST, times=1, applied=True)),
    ("smaregi", Fault("reset", match=POST, times=1, applied=False)),
    ("smaregi", Fault("garbage", match=POST, times=1, applied=True)),
    ("smaregi", Fault("status", status=400, match=POST, times=1, applied=True)),
    ("smaregi", Fault("status", status=400, match=POST, times=1, applied=False)),
    ("smaregi", Fault("status", status=503, match=POST, times=1, applied=False)),
    ("smaregi", Fault("throttle", match=POST, times=1)),
    ("shopify", Fault("reset", match=CREATE, times=1, applied=True)),
    ("shopify", Fault("reset", match=CREATE, times=1, applied=False)),
    ("shopify", Fault("half", match=CREATE, times=1)),
    ("shopify", Fault("garbage", match=CREATE, times=1, applied=True)),
    ("shopify", Fault("status", status=500, match=CREATE, times=1, applied=True)),
    ("shopify", Fault("status", status=503, match=CREATE, times=2, applied=False)),
    ("shopify", Fault("throttle", match=CREATE, times=1)),
]
CLOSING = [
    ("shopify", Fault("reset", match=FIND, times=1)),
    ("shopify", Fault("garbage", match=FIND, times=2)),
    ("shopify", Fault("reset", match=END, times=1, applied=True)),
    ("shopify", Fault("reset", match=END, times=1, applied=False)),
    ("shopify", Fault("garbage", match=END, times=1, applied=False)),
    ("shopify", Fault("status", status=500, match=ORDERS, times=2)),
    ("shopify", Fault("garbage", match=ORDERS, times=1)),
    ("smaregi", Fault("reset", match=POST, times=1, applied=True)),
]


def _name(given: Any) -> str:
    system, fault = given
    return f"{system} {fault.kind} {fault.status} {fault.applied} {fault.match}"


@pytest.mark.parametrize("given", TAKING, ids=_name)
async def test_whatever_becomes_of_a_call_points_are_taken_once_and_are_one_code(
    tmp_path: Path, given: tuple[str, Fault]
) -> None:
    async with spending(tmp_path) as spender:
        await _prove(spender)
        spender.shop.world.sandbox.faults.set(*given)
        reply = await spender.ask(500, key="k")
        if reply.status == 503:  # nothing has happened: it may be sent again
            assert spender.shop.balance == START
            reply = await spender.ask(500, key="k")
        assert reply.status in {201, 202}, reply.body
        await spender.until(reply.body["id"], "active")
        assert spender.shop.balance == START - 500
        assert (await spender.moved(reply.body["id"])) == [-500]
        assert [each.amount for each in spender.discounts.rows.values()] == [100, 500]
        again = await spender.ask(500, key="k")
        assert (again.status, again.body["state"]) == (201, "active")


@pytest.mark.parametrize("is_used", [True, False])
@pytest.mark.parametrize("given", CLOSING, ids=_name)
async def test_whatever_becomes_of_a_call_a_code_ends_and_its_points_are_decided(
    tmp_path: Path, given: tuple[str, Fault], is_used: bool
) -> None:
    async with spending(tmp_path) as spender:
        made = await spender.reserve(500)
        if is_used:
            spender.shop.buy(300, codes=[made["code"]])
        spender.shop.world.sandbox.faults.set(*given)
        await spender.delete(made["id"])
        await spender.until(made["id"], "used" if is_used else "released")
        assert spender.shop.balance == (START - 300 if is_used else START)
        assert spender.code(made).status(spender.shop.world.core.runtime.clock()) == "EXPIRED"
        numbers = [number for number, _ in spender.shop.posted]
        assert len(numbers) == len(set(numbers))


async def _prove(spender: Spender) -> None:
    """The first movement of all is watched for a while."""
    made = await spender.reserve(100)
    await spender.delete(made["id"])
    await spender.until(made["id"], "released")


@pytest.mark.parametrize("system", ["shopify", "smaregi"])
async def test_a_system_that_is_down_costs_nobody_points(tmp_path: Path, system: str) -> None:
    async with spending(tmp_path) as spender:
        spender.shop.world.sandbox.faults.set(system, Fault("refuse"))
        reply = await spender.ask(500, key="k")
        assert (reply.status, reply.body["type"]) == (503, "points-unavailable")
        assert "Retry-After" in reply.headers
        db = spender.shop.world.core.db
        assert not await db.read(reservations.any_of_them)
        spender.shop.world.sandbox.faults.clear()
        assert (await spender.ask(500, key="k")).status == 201
        assert spender.shop.balance == START - 500


async def test_points_that_a_till_takes_meanwhile_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look and the moment of taking."""
    async with spending(tmp_path) as spender:
        look = Eligibility.look

        async def slow(*given: Any) -> Any:
            found = await look(*given)
            spender.shop.smaregi.edit(spender.shop.member, point="300")
            return found

        monkeypatch.setattr(Eligibility, "look", slow)
        reply = await spender.ask(500)
        assert (reply.status, reply.body["type"]) == (409, "insufficient-points")
        assert reply.body["balance"] == 300
        assert spender.shop.balance == 300
        assert spender.discounts.rows == {}


async def test_a_disk_that_is_full_while_points_are_given_back_is_no_error_of_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.background._AFTER_FAILURE", 0.01)
    full = iter(range(2))

    def on_a_full_disk(*given: Any) -> None:
        if next(full, None) is not None:
            raise sqlite3.OperationalError("database or disk is full")
        balance_books(*given)

    monkeypatch.setattr(keeper, "balance_books", on_a_full_disk)
    async with spending(tmp_path) as spender:
        made = await spender.reserve(500)
        await spender.delete(made["id"])
        await spender.until(made["id"], "released")
        assert spender.shop.balance == START
    assert "broke its step" not in caplog.text


async def test_a_customer_whom_shopify_does_not_know_gets_the_points_back(tmp_path: Path) -> None:
    """They are deleted between the first look and the code."""
    async with spending(tmp_path) as spender:
        world = spender.shop.world
        refused = {
            "data": {
                CREATE: {
                    "codeDiscountNode": None,
                    "userErrors": [{"code": "INVALID", "field": ["x"], "message": "no"}],
                }
            }
        }
        fault = Fault("status", status=200, body=refused, match=CREATE, times=1, applied=False)
        world.sandbox.faults.set("shopify", fault)
        reply = await spender.ask(500, key="k")
        assert (reply.status, reply.body["type"]) == (503, "points-unavailable")
        await spender.until(1, "released")
        assert spender.shop.balance == START
        again = await spender.ask(500, key="k")
        assert (again.status, again.body["id"]) == (201, 2)


async def test_what_was_cut_off_goes_on_at_the_next_start(tmp_path: Path) -> None:
    async with spending(tmp_path, GATEWAY_RESPONSE_DEADLINE="1") as spender:
        await _prove(spender)
        spender.shop.world.sandbox.faults.set("shopify", Fault("status", status=500, match=CREATE))
        reply = await spender.ask(500, key="k")
        assert (reply.status, reply.body["state"]) == (202, "pending")
        assert reply.body["code"] is None
        await spender.shop.world.restart()
        spender.shop.world.sandbox.faults.clear()
        await spender.until(reply.body["id"], "active")
        again = await spender.ask(500, key="k")
        assert (again.status, again.body["id"]) == (201, reply.body["id"])
        assert spender.shop.balance == START - 500


async def test_a_reservation_that_never_became_a_code_gives_its_points_back(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        await _prove(spender)
        broken = Fault("status", status=500, match=CREATE)
        spender.shop.world.sandbox.faults.set("shopify", broken)
        reply = await spender.ask(500)
        assert reply.status == 202
        await spender.expire(reply.body["id"])
        spender.shop.world.sandbox.faults.clear()
        await spender.until(reply.body["id"], "released")
        assert spender.shop.balance == START


async def test_what_was_given_up_before_it_became_a_code_is_no_answer_to_its_key(
    tmp_path: Path,
) -> None:
    async with spending(tmp_path) as spender:
        await _prove(spender)
        broken = Fault("status", status=500, match=CREATE)
        spender.shop.world.sandbox.faults.set("shopify", broken)
        reply = await spender.ask(500, key="k")
        assert reply.status == 202
        assert (await spender.delete(reply.body["id"])).body["state"] == "closing"
        spender.shop.world.sandbox.faults.clear()
        await spender.until(reply.body["id"], "released")
        again = await spender.ask(500, key="k")
        assert again.status == 201
        assert again.body["id"] != reply.body["id"]
        assert spender.code(again.body).amount == 500


async def test_of_merged_members_the_survivor_gets_what_is_given_back(tmp_path: Path) -> None:
    async with spending(tmp_path) as spender:
        shop = spender.shop
        made = await spender.reserve(500)
        survivor = store_member(shop.world, customerCode="SURV", mailAddress="s@example.jp")
        merged = await told(shop.world.core.member_merge.merge(shop.member, survivor, survivor))
        assert merged.code == 0
        await spender.delete(made["id"])
        await spender.until(made["id"], "released")
        assert shop.smaregi.members[survivor]["point"] == str(START)


async def test_a_points_transaction_that_nobody_can_know_holds_up_this_member_alone(
    tmp_path: Path,
) -> None:
    async with spending(tmp_path, SMAREGI_POINTS_BY="add") as spender:
        shop = spender.shop
        lost = Fault("reset", match="point/add", times=1, applied=False)
        shop.world.sandbox.faults.set("smaregi", lost)
        reply = await spender.ask(500)
        assert (reply.status, reply.body["state"]) == (202, "pending")
        row = await spender.row(reply.body["id"])
        for _ in range(500):
            status = (await shop.world.core.overview.status())["points"]
            if status["movements"].get("stuck"):
                break
            await shop.rest()
        await shop.world.core.points.settle(1, done=False)
        await spender.until(row.id, "refused")
        assert shop.balance == START


async def test_erasing_a_customer_leaves_what_has_to_be_given_back(tmp_path: Path) -> None:
    async with spending(tmp_path, SmaregiOptions()) as spender:
        made = await spender.reserve(500)
        db = spender.shop.world.core.db
        await db.write(lambda db: erasure.wipe(db, spender.shop.customer))
        await spender.expire(made["id"])
        await spender.until(made["id"], "released")
        assert spender.shop.balance == START
        await db.write(lambda db: erasure.wipe(db, spender.shop.customer))
        assert not await db.read(reservations.any_of_them)
