"""Who is at a registration while recovery looks, and how recovery goes on by itself."""

import asyncio

import pytest

from gateway.background import WOKEN
from gateway.customer import Customer
from gateway.outcomes import Outcome
from gateway.registration.recovery import KEEP_ASKING
from gateway.store import registrations
from tests.registration.desk import Desk, two_rounds_that_break, until
from tests.registration.recovery.doubt import AGAIN, Moment, found, unclear
from tests.virtual_time import run


async def test_one_whose_caller_is_still_at_it_is_left_to_them(desk: Desk, moment: Moment) -> None:
    identity = await unclear(desk)
    desk.registrar._running[identity] = asyncio.get_running_loop().create_future()  # type: ignore[assignment]
    assert await desk.recovery._round() == AGAIN, "it is looked at again"
    assert desk.master.looks == []


async def test_a_caller_who_comes_while_shopify_is_asked_knows_better(
    desk: Desk, moment: Moment
) -> None:
    identity = await unclear(desk)

    async def find(registration_id: str, email: str) -> Customer:
        desk.registrar._running[identity] = asyncio.get_running_loop().create_future()  # type: ignore[assignment]
        return found(desk, identity)

    desk.master.find = find  # type: ignore[method-assign]
    await desk.recovery._round()
    assert (desk.only.state, desk.calls) == ("unclear", [])


@pytest.mark.parametrize("there", [True, False])
async def test_a_registration_that_went_on_while_it_was_asked_for_stays_as_it_is(
    desk: Desk, moment: Moment, there: bool
) -> None:
    identity = await unclear(desk)
    await desk.recovery._round()
    moment.now += KEEP_ASKING + 100

    async def find(registration_id: str, email: str) -> Customer | None:
        desk.db.connection.execute(
            "UPDATE registrations SET state = 'accepted', updated_at = updated_at + 1"
        )
        return found(desk, identity) if there else None

    desk.master.find = find  # type: ignore[method-assign]
    await desk.recovery._round()
    assert (desk.only.state, desk.only.customer_id, desk.owed_rows()) == ("accepted", None, {})
    assert "owed" not in desk.calls


@pytest.mark.parametrize(
    ("age", "state"), [(2.0, "open"), (2.1, "unclear"), (-2.1, "unclear"), (-2.0, "open")]
)
async def test_one_that_nobody_is_at_any_more_is_unclear(
    desk: Desk, moment: Moment, age: float, state: str
) -> None:
    await unclear(desk)
    desk.set(state="open", updated_at=desk.clock.now)
    desk.clock.now += age
    await desk.recovery._round()
    assert desk.only.state == state
    if state == "unclear":
        assert desk.only.updated_at == desk.clock.now
    assert desk.master.looks == [], "it is asked for in the next round"


async def test_without_orphans_nothing_is_written(desk: Desk, moment: Moment) -> None:
    await unclear(desk)
    writes = desk.db.writes
    await desk.recovery._round()
    assert desk.db.writes == writes


# -- going on by itself


async def test_it_starts_at_once_wakes_when_it_is_told_and_stops(desk: Desk) -> None:
    rounds = 0

    async def counted() -> None:
        nonlocal rounds
        rounds += 1

    desk.recovery._round = counted  # type: ignore[method-assign]
    desk.recovery.start()
    await until(lambda: rounds == 1)
    desk.recovery.wake()
    await until(lambda: rounds == 2)
    (task,) = desk.recovery._loops._endless
    assert task.get_name() == "unclear registrations"
    await desk.recovery.stop()
    assert task.cancelled()


def test_while_some_are_left_they_are_looked_at_every_second() -> None:
    async def scene() -> list[float]:
        desk, times = Desk(), list[float]()

        async def some_are_left() -> float:
            times.append(round(asyncio.get_running_loop().time(), 3))
            return AGAIN

        desk.recovery._round = some_are_left  # type: ignore[method-assign]
        desk.recovery.start()
        await asyncio.sleep(2.5)
        await desk.recovery.stop()
        return times

    assert run(scene()) == [0.0, 1.0, 2.0]


async def test_one_that_never_started_stops_as_well(desk: Desk) -> None:
    await desk.recovery.stop()


async def test_a_round_that_cannot_read_is_told_and_made_again(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await two_rounds_that_break(desk.recovery)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "unclear registrations: the database cannot be used: full (mend it)",
        "unclear registrations failed unexpectedly",
    ]


async def test_what_is_owed_late_goes_by_todays_flags(desk: Desk, moment: Moment) -> None:
    from flags import Mode

    identity = await unclear(desk)
    desk.modes["crm"] = Mode.OFF
    desk.master.found = [found(desk, identity)]
    await desk.recovery._round()
    assert desk.owed_rows()["crm"] == Outcome.SKIPPED


async def test_a_late_acceptance_is_refused_once_and_for_all(desk: Desk, moment: Moment) -> None:
    """The commit itself looks whether the registration is still as it was read."""
    from gateway.shopify import Accepted

    identity = await unclear(desk)
    row = desk.only
    accepted = Accepted(found(desk, identity), "created")
    assert await desk.acceptance.accept_found(row, accepted) is True
    assert await desk.acceptance.accept_found(row, accepted) is False
    assert registrations.is_still(desk.db.connection, desk.only)
    assert await desk.recovery._round() is WOKEN
