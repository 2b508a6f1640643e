"""Points are posted or added; the first movement shows whether posted ones count."""

from pathlib import Path

import pytest

from gateway.sandbox import Fault, SmaregiOptions
from tests.points.shop import Shop, a_shop

pytestmark = pytest.mark.usefixtures("impatient")

ADD = "point/add"


async def test_where_posted_points_do_not_count_everything_stops_until_they_are_added(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path, SmaregiOptions(posted_points_count=False)) as shop:
        order = shop.buy(1000)
        await shop.notice(order)
        (one,) = await shop.moved(order)
        assert one.state == "stuck"
        assert "SMAREGI_POINTS_BY=add" in (one.message or "")
        other, member = await shop.sign_up(number=1)
        waiting = shop.buy(700, customer=other)
        await shop.world.core.points.noticed(waiting.id)
        await shop.world.core.points.worker.round()
        assert [m.state for m in await shop.moved(waiting)] == ["owed"]
        assert len(shop.posted) == 1, "nobody else's are sent"
        (need,) = (await shop.world.core.overview.status())["needs_a_person"]
        assert "points settle" in need
        shop.world.set(SMAREGI_POINTS_BY="add")
        await shop.world.core.points.settle(one.id, done=False)
        await shop.rest()
        assert shop.balance == 10
        assert shop.smaregi.members[member]["point"] == "7"


def _a_till_moves_beside_the_next_one(shop: Shop, new_point: int, spend_point: int) -> None:
    desk = shop.smaregi._points
    post = desk.post

    def beside(*given: object) -> object:
        answer = post(*given)  # type: ignore[arg-type]
        shop.smaregi.sale(shop.member, new_point, spend_point)
        vars(desk).pop("post")
        return answer

    vars(desk)["post"] = beside


async def test_points_that_a_till_took_at_that_moment_are_not_taken_for_points_that_never_came(
    tmp_path: Path,
) -> None:
    """Settling that and giving them in another way would give them twice."""
    async with a_shop(tmp_path) as shop:
        _a_till_moves_beside_the_next_one(shop, new_point=0, spend_point=10)
        order = shop.buy(1000)
        await shop.notice(order)
        assert shop.balance == 0
        assert [one.state for one in await shop.moved(order)] == ["done"]
        assert not await shop.world.core.points.proof.stopped()
        await shop.notice(shop.buy(1000))
        assert await shop.world.core.points.proof.is_proven()
        assert shop.balance == 10


async def test_points_that_a_till_moved_meanwhile_prove_nothing_and_stop_nothing(
    tmp_path: Path,
) -> None:
    async with a_shop(tmp_path, SmaregiOptions(posted_points_count=False)) as shop:
        _a_till_moves_beside_the_next_one(shop, new_point=3, spend_point=0)
        order = shop.buy(1000)
        await shop.notice(order)
        assert [one.state for one in await shop.moved(order)] == ["done"]
        assert not await shop.world.core.points.proof.is_proven()
        await shop.notice(shop.buy(1000))
        assert await shop.world.core.points.proof.stopped()


@pytest.mark.parametrize(
    ("fault", "state", "balance"),
    [
        (Fault("drop", match=ADD, times=1), "done", 10),
        (Fault("half", match=ADD, times=1), "done", 10),
        (Fault("status", status=500, match=ADD, times=1, applied=True), "done", 10),
        (Fault("reset", match=ADD, times=1, applied=False), "stuck", 0),
        (Fault("status", status=429, match=ADD, times=1, applied=False), "done", 10),
    ],
)
async def test_added_points_are_found_by_what_fits_or_are_for_a_person(
    tmp_path: Path, fault: Fault, state: str, balance: int
) -> None:
    async with a_shop(tmp_path, SMAREGI_POINTS_BY="add") as shop:
        shop.world.sandbox.faults.set("smaregi", fault)
        order = shop.buy(1000)
        await shop.notice(order)
        assert [one.state for one in await shop.moved(order)] == [state]
        assert shop.balance == balance


async def test_two_that_fit_are_for_a_person(tmp_path: Path) -> None:
    async with a_shop(tmp_path, SMAREGI_POINTS_BY="add") as shop:
        await shop.world.core.smaregi.client.add_points(str(shop.member), 10)
        shop.world.sandbox.faults.set("smaregi", Fault("drop", match=ADD, times=1))
        order = shop.buy(1000)
        await shop.notice(order)
        (one,) = await shop.moved(order)
        assert one.state == "stuck"
        assert "2 transactions that fit" in (one.message or "")
