"""A sign-up that is answered later, and which runs there are."""

import asyncio

import pytest

from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Outcome
from gateway.shopify import Refused
from gateway.wording import Fault
from tests.registration.desk import Desk, body, down
from tests.registration.registrar.problem_types import types


async def test_who_asks_for_a_promise_gets_it_and_somebody_follows(desk: Desk) -> None:
    answer = await desk.sign_up(later=True, key="k:1")
    assert (answer.status, body(answer)["status"]) == (202, "accepted")
    assert desk.master.registered == []
    assert desk.only.state == "waiting"
    assert desk.calls == ["promised"]
    again = await desk.sign_up(later=True, key="k:1")
    assert (again.status, again.body) == (202, answer.body)


@pytest.mark.parametrize(("room", "status"), [(False, 503), (True, 202)])
async def test_nothing_is_promised_where_the_disk_has_no_room(
    desk: Desk, room: bool, status: int
) -> None:
    desk.room = room
    assert (await desk.sign_up(later=True)).status == status
    assert (await desk.sign_up()).status == 201, "who waits for the answer is not kept"
    assert desk.disk._free == desk.db.free


async def test_no_more_may_wait_than_the_bound(desk: Desk) -> None:
    desk.waiting_limit = 0
    assert types(await desk.sign_up(later=True)) == (503, "too-many-waiting")


async def test_a_live_try_of_a_promised_one_that_fails_is_still_promised(desk: Desk) -> None:
    await desk.sign_up(later=True)
    desk.master.ends = [down(applied=False)]
    desk.calls.clear()
    answer = await desk.sign_up()
    assert (answer.status, body(answer)["id"]) == (202, desk.only.id)
    assert desk.column("next_try_at") == desk.clock.now + 5.0
    assert (desk.only.state, desk.calls) == ("waiting", ["promised"])
    assert desk.column("claimed") == 0


async def test_a_live_try_of_a_promised_one_that_is_refused_is_kept_with_its_problem(
    desk: Desk,
) -> None:
    await desk.sign_up(later=True)
    desk.clock.now += 1
    desk.master.ends = [Refused((Fault.NOT_VALID.at("phone"),))]
    assert types(await desk.sign_up()) == (422, "invalid-data")
    assert desk.only.problem is not None
    assert (desk.only.state, desk.only.problem["type"]) == ("rejected", "invalid-data")
    assert desk.only.updated_at == desk.clock.now


async def test_a_promised_one_that_was_refused_is_remembered_as_such(desk: Desk) -> None:
    await desk.sign_up(later=True, key="k:1")
    desk.master.ends = [Refused((Fault.NOT_VALID.at("phone"),))]
    await desk.deferred._round()
    answer = await desk.sign_up(later=True, key="k:1")
    assert types(answer) == (422, "invalid-data")
    assert [status for status, _ in desk.answers()] == [422]


# -- which runs


async def test_a_second_run_is_not_forgotten_when_the_first_ones_task_ends(desk: Desk) -> None:
    first = asyncio.create_task(asyncio.sleep(0))
    second = asyncio.create_task(asyncio.sleep(60))
    desk.registrar._running["r"] = second
    desk.registrar._ended("r", first)  # type: ignore[arg-type]
    assert desk.registrar.is_running("r")
    desk.registrar._ended("r", second)  # type: ignore[arg-type]
    assert not desk.registrar.is_running("r")
    desk.registrar._ended("r", second)  # type: ignore[arg-type]
    second.cancel()


async def test_a_storage_error_of_the_master_itself_is_no_doubt_less(desk: Desk) -> None:
    desk.master.ends = [StorageError("full", "hint")]
    assert types(await desk.sign_up()) == (503, "storage-unavailable")
    assert desk.only.state == "unclear"


async def test_shopifys_pause_is_passed_on(desk: Desk) -> None:
    desk.master.ends = [down(kind=ErrorClass.RATE_LIMIT, retry_after=42.0)]
    answer = await desk.sign_up()
    assert answer.headers["Retry-After"] == "42"


async def test_every_outcome_of_the_outbox_is_told(desk: Desk) -> None:
    desk.channels["smaregi"].ends = [down()]
    answer = body(await desk.sign_up())
    assert answer["channels"]["smaregi"]["outcome"] == Outcome.RETRYING
    assert answer["status"] == "partial"


async def test_what_is_being_finished_is_no_answer_to_keep_under_a_key(desk: Desk) -> None:
    desk.master.ends = [down()]
    await desk.sign_up()
    desk.set(state="open")
    answer = await desk.sign_up(key="k:1")
    assert answer.status not in {201, 202}
    assert desk.answers() == []


async def test_channels_foresee_a_sign_up_once_and_only_as_it_goes_to_shopify(desk: Desk) -> None:
    """What is answered from here, or later, makes them read nothing."""
    smaregi = desk.channels["smaregi"]
    await desk.sign_up(later=True)
    assert smaregi.foreseen == 0
    await desk.sign_up()
    assert smaregi.foreseen == 1
    await desk.sign_up()
    assert (smaregi.foreseen, len(desk.master.registered)) == (1, 1)
