"""Replay: what a person sends again, and the events that tell of it."""

import asyncio
from typing import Any

import pytest

from flags import Mode
from gateway.channels import Done, Work
from gateway.delivery import Replay, ReplayOptions
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Delivery, DeliveryFilter, Outcome
from gateway.wire import Lane, lane
from tests.delivery.heart import TARO, Heart, a_customer, trouble
from tests.virtual_time import run

PEOPLE = range(1, 131)


@pytest.fixture
async def heart() -> Heart:
    return Heart(*(a_customer(number) for number in PEOPLE))


def failed(heart: Heart, customer: int, channel: str = "crm", **columns: Any) -> Delivery:
    columns = {"error_class": "conflict", "attempts": 3, **columns}
    return heart.change(heart.owed(channel, Outcome.FAILED, customer=customer), **columns)


async def replayed(
    heart: Heart, options: ReplayOptions | None = None, stop: asyncio.Event | None = None
) -> list[dict[str, Any]]:
    replay = Replay(heart.db, heart.deliverer, heart.background)
    return [event async for event in replay.run(options or ReplayOptions(), stop)]


def test_without_options_everything_goes_and_nothing_is_made_anew() -> None:
    assert ReplayOptions() == ReplayOptions(
        DeliveryFilter(),
        limit=None,
        rate=None,
        concurrency=8,
        dry_run=False,
        recreate=False,
        began=None,
    )


def results(events: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return sorted((e["id"], e["result"]) for e in events if e["event"] == "delivery")


async def test_what_waits_for_a_person_goes_now_and_each_end_is_told(heart: Heart) -> None:
    retrying = heart.change(heart.owed("crm", customer=1), outcome="retrying", next_attempt_at=9e9)
    held = heart.owed("crm", Outcome.HELD, customer=2)
    broken = failed(heart, 3)
    heart.owed("crm", customer=4)
    heart.owed("crm", Outcome.SKIPPED, customer=5)

    async def breaks_for_the_third(work: Work) -> Done:
        if work.customer.id == 3:
            raise trouble(ErrorClass.INVALID_DATA)
        return Done("created", f"r{work.customer.id}")

    heart.channels["crm"].ends = [breaks_for_the_third] * 3
    start, *rest, end = await replayed(heart)
    assert start == {"event": "start", "total": 3, "began": 0, "dry_run": False}
    assert end == {"event": "end", "counts": {"delivered": 2, "failed": 1}}
    assert results(rest) == [
        (retrying.id, "delivered"),
        (held.id, "delivered"),
        (broken.id, "failed"),
    ]
    (told,) = [event for event in rest if event["id"] == broken.id]
    assert told == {
        "event": "delivery",
        "result": "failed",
        "id": broken.id,
        "shopify_customer_id": "gid://shopify/Customer/3",
        "channel": "crm",
        "outcome": Outcome.FAILED,
        "error_class": ErrorClass.INVALID_DATA,
    }


async def test_a_replay_goes_in_the_backlogs_lane_and_probes_a_shut_channel(heart: Heart) -> None:
    failed(heart, 1)
    heart.circuit("crm").failed(trouble(ErrorClass.AUTH))
    lanes = []
    read = heart.shopify.read_each

    async def read_each(ids: Any) -> Any:
        lanes.append(lane.get())
        return await read(ids)

    heart.shopify.read_each = read_each  # type: ignore[method-assign, assignment]
    events = await asyncio.create_task(replayed(heart))
    assert results(events) == [(1, "delivered")]
    assert lanes == [Lane.BACKLOG]
    assert heart.circuit("crm").cause is None


async def test_only_outcomes_that_a_replay_takes_are_taken(heart: Heart) -> None:
    failed(heart, 1)
    heart.owed("crm", Outcome.SKIPPED, customer=2)
    held = heart.owed("crm", Outcome.HELD, customer=3)
    chosen = DeliveryFilter(outcomes=(Outcome.HELD, Outcome.SKIPPED))
    assert results(await replayed(heart, ReplayOptions(chosen))) == [(held.id, "delivered")]
    none = await replayed(heart, ReplayOptions(DeliveryFilter(outcomes=(Outcome.SKIPPED,))))
    assert none == [
        {"event": "start", "total": 0, "began": 1, "dry_run": False},
        {"event": "end", "counts": {}},
    ]


async def test_the_filter_chooses(heart: Heart) -> None:
    failed(heart, 1)
    second = failed(heart, 2, error_class="invalid_data")
    chosen = DeliveryFilter(error_classes=(ErrorClass.INVALID_DATA,))
    events = await replayed(heart, ReplayOptions(chosen))
    assert events[0]["total"] == 1
    assert results(events) == [(second.id, "delivered")]


async def test_all_pages_are_gone_through_the_oldest_first_and_each_once(heart: Heart) -> None:
    ids = [failed(heart, number).id for number in PEOPLE]
    events = await replayed(heart, ReplayOptions(concurrency=1))
    assert [event["id"] for event in events[1:-1]] == ids
    assert [len(asked) for asked in heart.shopify.asked] == [50, 50, 30]
    assert [work.customer.id for work in heart.channels["crm"].works] == list(PEOPLE)


@pytest.mark.parametrize(("limit", "total"), [(60, 60), (1, 1), (0, 0), (500, 130)])
async def test_no_more_than_the_limit_are_taken(heart: Heart, limit: int, total: int) -> None:
    for number in PEOPLE:
        failed(heart, number)
    events = await replayed(heart, ReplayOptions(limit=limit))
    assert events[0]["total"] == total
    assert len(heart.channels["crm"].works) == total


async def test_a_run_that_goes_on_elsewhere_passes_over_what_it_has_touched(heart: Heart) -> None:
    first, second = failed(heart, 1), failed(heart, 2)
    await replayed(heart, ReplayOptions(DeliveryFilter(ids=(first.id,))))
    heart.change(first, outcome="failed")
    events = await replayed(heart, ReplayOptions(began=0))
    assert events[0]["began"] == 0
    assert results(events) == [(second.id, "delivered")]


async def test_a_rehearsal_says_what_would_go_and_touches_nothing(heart: Heart) -> None:
    first, held = failed(heart, 1), heart.owed("smaregi", Outcome.HELD, customer=1)
    heart.modes["smaregi"] = Mode.HOLD
    options = ReplayOptions(dry_run=True, recreate=True)
    events = await replayed(heart, options)
    assert events[0] == {"event": "start", "total": 2, "began": 0, "dry_run": True}
    assert results(events) == [(first.id, "would_send"), (held.id, "left")]
    assert (heart.row(first), heart.db.writes, heart.shopify.asked) == (first, 0, [])


async def test_what_its_flag_keeps_is_left_and_the_others_go(heart: Heart) -> None:
    heart.modes["smaregi"] = Mode.HOLD
    held, sent = heart.owed("smaregi", Outcome.HELD, customer=1), failed(heart, 1)
    assert results(await replayed(heart)) == [(held.id, "left"), (sent.id, "delivered")]


async def test_what_turns_out_to_be_kept_back_is_left(heart: Heart) -> None:
    """Its flag is set to `hold` between the look and the attempt."""
    delivery = failed(heart, 1)
    with_customers = heart.deliverer.with_customers

    async def and_then(deliveries: Any) -> Any:
        heart.modes["crm"] = Mode.HOLD
        return await with_customers(deliveries)

    heart.deliverer.with_customers = and_then  # type: ignore[method-assign]
    assert results(await replayed(heart)) == [(delivery.id, "left")]


async def test_what_somebody_is_at_is_busy(heart: Heart) -> None:
    delivery = failed(heart, 1)
    heart.deliverer.busy.add(delivery.id)
    assert results(await replayed(heart)) == [(delivery.id, "busy")]


async def test_mails_that_are_too_late_go_only_where_they_are_named(heart: Heart) -> None:
    known = failed(heart, 1, "mail", error_class="too_late")
    old = failed(heart, 2, "mail", created_at=heart.clock.now - 90000)
    events = await replayed(heart)
    assert results(events) == [(known.id, "too_late"), (old.id, "too_late")]
    assert heart.channels["mail"].works == []
    named = ReplayOptions(DeliveryFilter(ids=(known.id, old.id)))
    assert results(await replayed(heart, named)) == [
        (known.id, "delivered"),
        (old.id, "delivered"),
    ]


async def test_while_shopify_cannot_be_asked_all_are_told_to_wait(heart: Heart) -> None:
    first, second = failed(heart, 1), failed(heart, 2)
    heart.shopify.trouble = trouble(ErrorClass.CONNECTION, system="shopify")
    assert results(await replayed(heart)) == [(first.id, "waiting"), (second.id, "waiting")]


async def test_whom_shopify_does_not_answer_for_has_failed(heart: Heart) -> None:
    first, second = failed(heart, 1), failed(heart, 2)
    heart.shopify.refused[1] = trouble(ErrorClass.UNEXPECTED, system="shopify")
    assert results(await replayed(heart)) == [(first.id, "failed"), (second.id, "delivered")]


@pytest.mark.parametrize("recreate", [True, False])
async def test_a_record_that_is_gone_is_made_anew_where_a_person_says_so(
    heart: Heart, recreate: bool
) -> None:
    failed(heart, 1)
    await replayed(heart, ReplayOptions(recreate=recreate))
    (work,) = heart.channels["crm"].works
    assert work.recreate is recreate


async def test_once_it_is_stopped_nothing_more_is_begun_and_no_end_is_told(heart: Heart) -> None:
    for number in PEOPLE:
        failed(heart, number)
    stop = asyncio.Event()

    async def stops(work: Work) -> Done:
        if work.customer.id == 3:
            stop.set()
        return Done("created", f"r{work.customer.id}")

    heart.channels["crm"].ends = [stops] * 130
    events = await replayed(heart, ReplayOptions(concurrency=1), stop)
    assert len(heart.channels["crm"].works) == 3
    assert len(heart.shopify.asked) == 1, "nobody else is read"
    assert events[-1]["event"] == "delivery"


async def test_who_stops_listening_leaves_the_rest_untried_and_ends_what_is_under_way(
    heart: Heart,
) -> None:
    for number in PEOPLE:
        failed(heart, number)
    events = Replay(heart.db, heart.deliverer, heart.background).run(ReplayOptions(concurrency=2))
    async for event in events:
        if event["event"] == "delivery":
            break
    await events.aclose()  # type: ignore[attr-defined]
    await heart.settled()
    assert 1 <= len(heart.channels["crm"].works) < 60


async def test_a_replay_that_the_database_fails_leaves_only_attempts_that_have_begun(
    heart: Heart,
) -> None:
    for number in range(1, 6):
        failed(heart, number)
    heart.channels["crm"].ends = [StorageError("full", "hint")]
    with pytest.raises(StorageError):
        await replayed(heart, ReplayOptions(concurrency=1))
    assert asyncio.all_tasks() - heart.background._kept == {asyncio.current_task()}


def test_taro_is_replayed_in_a_world_of_his_own() -> None:
    async def scene() -> list[tuple[int, str]]:
        heart = Heart()
        failed(heart, TARO)
        return results(await replayed(heart))

    assert run(scene()) == [(1, "delivered")]
