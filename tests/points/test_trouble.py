"""Points are moved exactly once, whatever fails; and what nobody can know is for a person."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import CommandRefused
from gateway.points import sender
from gateway.points.booking import book
from gateway.sandbox import Fault, SmaregiOptions
from tests.e2e.evidence import AlertBox
from tests.points.shop import Shop, a_shop

POST = "POST /transactions"


pytestmark = pytest.mark.usefixtures("impatient")

FAULTS = [
    Fault("reset", match=POST, times=1, applied=True),
    Fault("reset", match=POST, times=1, applied=False),
    Fault("drop", match=POST, times=1),
    Fault("half", match=POST, times=1),
    Fault("garbage", match=POST, times=1, applied=True),
    Fault("garbage", match=POST, times=1, applied=False),
    Fault("status", status=500, match=POST, times=1, applied=True),
    Fault("status", status=503, match=POST, times=1, applied=False),
    Fault("status", status=400, match=POST, times=1, applied=True),
    Fault("status", status=400, match=POST, times=1, applied=False),
    Fault("status", status=404, match=POST, times=1, applied=False),
    Fault("status", status=403, match=POST, times=2, applied=False),
    Fault("throttle", match=POST, times=1),
    Fault("late", match=POST, times=1, delay=0.1),
    Fault("garbage", match="GET /transactions", times=2),
    Fault("status", status=500, match="GET /transactions", times=3),
    Fault("garbage", match="GET /customers/point", times=1),
    Fault("status", status=500, match="GET /stores", times=3),
]


@pytest.mark.parametrize("tuple_rule", [True, False])
@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda f: f"{f.kind} {f.status} {f.applied} {f.match}"
)
async def test_whatever_becomes_of_a_call_the_points_are_moved_once(
    tmp_path: Path, fault: Fault, tuple_rule: bool
) -> None:
    async with a_shop(tmp_path, SmaregiOptions(tuple_rule=tuple_rule)) as shop:
        shop.world.sandbox.faults.set("smaregi", fault)
        order = shop.buy(1000)
        await shop.notice(order)
        assert shop.balance == 10
        shop.world.sandbox.faults.set("smaregi", fault)
        shop.orders.cancel(order)
        await shop.notice(order)
        assert shop.balance == 0
        assert [points for _, points in shop.posted] == [10, -10]


async def test_what_may_still_arrive_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It arrives when it has been looked for in vain already."""
    monkeypatch.setattr(sender, "PATIENCE", 2.0)
    async with a_shop(tmp_path, SmaregiOptions(tuple_rule=False)) as shop:
        late = Fault("late", match=POST, times=1, delay=0.6)
        shop.world.sandbox.faults.set("smaregi", late)
        order = shop.buy(1000)
        await shop.notice(order)
        await asyncio.sleep(late.delay)  # then it has come, whoever waited for it
        assert [points for _, points in shop.posted] == [10]
        assert shop.balance == 10


async def test_an_answer_that_names_nothing_is_no_proof_and_is_looked_for(tmp_path: Path) -> None:
    async with a_shop(tmp_path, SmaregiOptions(post_says="nothing")) as shop:
        order = shop.buy(1000)
        await shop.notice(order)
        (one,) = await shop.moved(order)
        assert (one.state, one.head_id) == ("done", "1")
        assert shop.balance == 10


async def test_a_start_looks_for_what_a_dead_one_had_sent(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        order = shop.buy(1000)
        shop.world.sandbox.faults.set("smaregi", Fault("hang", match=POST, times=1, applied=True))
        await shop.world.core.points.noticed(order.id)
        journal = shop.world.sandbox.journal
        await shop.world.until(lambda: any(a.operation == POST for a in journal.asked))
        await shop.world.restart()
        await shop.rest()
        assert shop.balance == 10
        assert len(shop.posted) == 1


async def test_what_smaregi_refuses_again_and_again_is_for_a_person(tmp_path: Path) -> None:
    async with AlertBox.open() as alerts, a_shop(tmp_path, ALERT_WEBHOOK_URL=alerts.url) as shop:
        other_customer, other = await shop.sign_up(number=1)
        refusal = Fault("status", status=404, match=POST, applied=False)
        shop.world.sandbox.faults.set("smaregi", refusal)
        order = shop.buy(1000)
        await shop.notice(order)
        (one,) = await shop.moved(order)
        assert one.state == "stuck"
        assert "refused it 3 times" in (one.message or "")
        await shop.world.until(lambda: any("orders: conflict" in text for text in alerts.texts))
        shop.world.sandbox.faults.clear()
        await shop.world.core.points.noticed(shop.buy(500).id)
        await shop.world.core.points.noticed(shop.buy(500, customer=other_customer).id)
        await shop.world.until(lambda: shop.smaregi.members[other]["point"] == "5")
        assert shop.balance == 0, "only this member waits for a person"
        status = await shop.world.core.overview.status()
        assert any("stuck" in text for text in status["needs_a_person"])
        await shop.world.core.points.settle(one.id, done=False)
        await shop.rest()
        assert shop.balance == 15
        with pytest.raises(CommandRefused, match="not stuck"):
            await shop.world.core.points.settle(one.id, done=True)


# -- the database is lost


async def test_a_lost_database_gives_nothing_twice(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        order, new = shop.buy(1000, 500), None
        await shop.notice(order)
        shop.orders.refund(order, {1: 1})
        await shop.notice(order)
        assert shop.balance == 10
        for row in shop.smaregi.transactions.rows.values():
            row["terminalTranId"] += "000"  # as if it were not all within one second
        await shop.world.restart(GATEWAY_DATABASE_URL=f"sqlite:///{tmp_path / 'other.db'}")
        await shop.world.core.db.write(_linked(shop))
        shop.orders.refund(order, goodwill=300)
        new = shop.buy(1000)
        async for _ in shop.world.core.points.backfill(0, 2e9, dry_run=False):
            pass
        await shop.rest()
        assert shop.balance == 7 + 10
        assert sorted(points for _, points in shop.posted) == [-5, -3, 10, 15]
        assert [one.state for one in await shop.moved(new)] == ["done"]


def _linked(shop: Shop) -> Callable[..., None]:
    """The link is found again, as `backfill` does."""

    def unit(db: object) -> None:
        db.execute(  # type: ignore[attr-defined]
            """INSERT OR IGNORE INTO links (channel, customer_id, reference, created_at, updated_at)
               VALUES ('smaregi', ?, ?, 0, 0)""",
            (shop.customer, str(shop.member)),
        )

    return unit


async def test_what_is_there_twice_under_one_number_is_for_a_person(tmp_path: Path) -> None:
    async with a_shop(tmp_path, SmaregiOptions(tuple_rule=False)) as shop:
        shop.world.sandbox.faults.set("smaregi", Fault("drop", match=POST, times=1))
        desk = shop.smaregi._points
        post = desk.post

        def twice(*given: object) -> object:
            post(*given)  # type: ignore[arg-type]
            return post(*given)  # type: ignore[arg-type]

        vars(desk)["post"] = twice
        order = shop.buy(1000)
        await shop.notice(order)
        (one,) = await shop.moved(order)
        assert one.state == "stuck"
        assert "2 times: transactions 1, 2" in (one.message or "")
        shop.smaregi.cancel(2)
        await shop.world.core.points.settle(one.id, done=True)
        await shop.rest()
        assert shop.balance == 10


async def test_without_the_scopes_points_wait_and_sign_ups_do_not(tmp_path: Path) -> None:
    scopes = frozenset({"pos.customers:read", "pos.customers:write"})
    async with (
        AlertBox.open() as alerts,
        a_shop(tmp_path, SmaregiOptions(scopes=scopes), ALERT_WEBHOOK_URL=alerts.url) as shop,
    ):
        order = shop.buy(1000)
        await shop.world.core.points.noticed(order.id)
        await shop.world.until(lambda: any("orders: auth" in text for text in alerts.texts))
        assert (await shop.world.register(number=2)).channel("smaregi")["outcome"] == "delivered"
        shop.smaregi.scopes |= {
            "pos.transactions:read",
            "pos.transactions:write",
            "pos.stores:read",
        }
        shop.smaregi.expire_tokens()
        shop.world.core.points.flags_changed()
        await shop.rest()
        assert shop.balance == 10


async def test_an_order_that_cannot_be_read_is_told_and_tried_again_at_the_next_start(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path) as shop:
        bad = Fault(
            "status",
            status=200,
            match="order",
            body={"data": {"order": {"id": "1e3"}}},
            applied=False,
        )
        shop.world.sandbox.faults.set("shopify", bad)
        order = shop.buy(1000)
        await shop.notice(order)
        assert (await shop.row(order)).state == "failed"
        shop.world.sandbox.faults.clear()
        await shop.world.restart()
        await shop.rest()
        assert shop.balance == 10


async def test_a_disk_that_is_full_uses_up_no_try_and_is_no_error_of_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.background._AFTER_FAILURE", 0.01)
    full = iter(range(6))  # more than there are tries

    def on_a_full_disk(*given: Any) -> bool:
        if next(full, None) is not None:
            raise sqlite3.OperationalError("database or disk is full")
        return book(*given)

    monkeypatch.setattr("gateway.points.reader.book", on_a_full_disk)
    async with a_shop(tmp_path) as shop:
        order = shop.buy(1000)
        await shop.notice(order)
        assert await shop.state(order) == ("given", "")
        assert shop.balance == 10
    assert "broke its reading" not in caplog.text
