"""The deliverer: live attempts, and every later one, with who is told and what stays busy."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from flags import Flag, FlagSet, Mode
from gateway.channels import Done, Work
from gateway.customer import Customer
from gateway.delivery import CircuitState
from gateway.delivery.opening import Owed, opening
from gateway.errors import ErrorClass, StorageError
from gateway.outcomes import Delivery, Kind, Outcome, Waiting
from gateway.request_id import request_id
from gateway.store import erasure, links
from gateway.store.outbox import AttemptResult
from gateway.wire import Lane, lane
from tests.delivery.heart import HANAKO, TARO, Heart, TheSettings, a_customer, trouble
from tests.virtual_time import run


@pytest.fixture
async def heart() -> Heart:
    return Heart()


def soon(seconds: float = 1.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def live(heart: Heart, *deliveries: Delivery, seconds: float = 1.0) -> dict[int, str]:
    ended = await heart.deliverer.live(deliveries, a_customer(), fresh=True, until=soon(seconds))
    return {number: str(each.delivery.outcome) for number, each in ended.items()}


async def test_every_part_works_with_the_same_channels(heart: Heart) -> None:
    assert heart.delivery.routes is heart.deliverer.routes is heart.attempts.routes is heart.routes


# -- live


async def test_live_attempts_are_made_at_once_and_settled(heart: Heart) -> None:
    both = asyncio.Barrier(2)

    async def together(work: Work) -> Done:
        await both.wait()
        return Done("created", "1")

    heart.channels["smaregi"].ends = [together]
    heart.channels["crm"].ends = [together]
    first, second = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    assert await live(heart, first, second) == {first.id: "delivered", second.id: "delivered"}
    assert heart.channels["smaregi"].works[0].fresh
    assert not heart.deliverer.has_work()
    assert {ended.delivery.channel for ended in heart.told} == {"smaregi", "crm"}


async def test_what_ends_together_is_one_commit(heart: Heart) -> None:
    first, second = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    await live(heart, first, second)
    assert heart.db.writes == 1


async def test_a_slow_channel_goes_on_after_the_deadline_and_stays_busy_meanwhile(
    heart: Heart,
) -> None:
    go = asyncio.Event()

    async def slow(work: Work) -> Done:
        await go.wait()
        return Done("created", "1")

    heart.channels["crm"].ends = [slow]
    fast, late = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    assert await live(heart, fast, late, seconds=0.03) == {fast.id: "delivered"}
    assert heart.deliverer.busy == {late.id}
    assert heart.deliverer._live == {late.id}
    assert heart.deliverer.has_work()
    go.set()
    await heart.settled()
    assert heart.row(late).outcome is Outcome.DELIVERED
    assert heart.deliverer.busy == set()
    assert heart.deliverer._live == set()


async def test_what_ends_one_after_the_other_in_time_is_all_settled(heart: Heart) -> None:
    async def slower(work: Work) -> Done:
        await asyncio.sleep(0.05)
        return Done("created", "1")

    heart.channels["crm"].ends = [slower]
    fast, slow = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    assert await live(heart, fast, slow) == {fast.id: "delivered", slow.id: "delivered"}
    assert heart.db.writes == 2


async def test_a_late_attempt_that_the_database_fails_is_free_again(heart: Heart) -> None:
    async def breaks(work: Work) -> Done:
        await asyncio.sleep(0.03)
        raise StorageError("full", "hint")

    heart.channels["smaregi"].ends = [breaks]
    delivery = heart.owed(claimed=True)
    assert await live(heart, delivery, seconds=0.01) == {}
    await heart.settled()
    assert heart.deliverer.busy == set()
    assert heart.row(delivery).outcome is Outcome.PENDING


async def test_without_any_time_left_everything_goes_on_by_itself(heart: Heart) -> None:
    delivery = heart.owed(claimed=True)
    assert await live(heart, delivery, seconds=0.0) == {}
    await heart.settled()
    assert heart.row(delivery).outcome is Outcome.DELIVERED


async def test_an_attempt_that_cannot_be_made_for_want_of_the_database_stays_pending(
    heart: Heart,
) -> None:
    heart.channels["smaregi"].ends = [StorageError("full", "hint")]
    broken, other = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    assert await live(heart, broken, other) == {other.id: "delivered"}
    assert heart.row(broken).outcome is Outcome.PENDING
    assert not heart.deliverer.has_work()
    assert await live(heart, heart.owed("mail", claimed=True)) == {3: "delivered"}


async def test_an_outcome_that_the_disk_does_not_take_is_kept_and_written_later(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def no_time(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.tasks.__sleep0()  # type: ignore[attr-defined]

    monkeypatch.setattr("gateway.delivery.deliverer.asyncio.sleep", no_time)
    heart.db.breaks = 2
    delivery = heart.owed(claimed=True)
    with pytest.raises(StorageError):
        await live(heart, delivery)
    assert heart.deliverer.busy == {delivery.id}, "nobody sends it again meanwhile"
    await heart.settled()
    assert len(heart.channels["smaregi"].works) == 1
    assert heart.row(delivery).outcome is Outcome.DELIVERED
    assert heart.deliverer.busy == set()
    assert 1.0 in pauses


async def test_an_attempt_under_way_at_the_end_is_cancelled_and_due_again(heart: Heart) -> None:
    cancelled = asyncio.Event()

    async def never(work: Work) -> Done:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    heart.channels["smaregi"].ends = [never]
    delivery = heart.owed(claimed=True)
    assert await live(heart, delivery, seconds=0.005) == {}
    await heart.background.finish(0.005)
    await asyncio.sleep(0)
    assert cancelled.is_set()
    assert heart.row(delivery).outcome is Outcome.PENDING


async def test_of_a_live_run_each_stands_as_it_ended_or_as_it_was_written(heart: Heart) -> None:
    async def slow(work: Work) -> Done:
        await asyncio.sleep(0.1)
        return Done("created", "1")

    heart.channels["crm"].ends = [slow]
    fast, late = heart.owed("smaregi", claimed=True), heart.owed("crm", claimed=True)
    kept = heart.owed("mail", Outcome.HELD)
    run = await heart.deliverer.run_live(
        [fast, late, kept], a_customer(), fresh=True, until=soon(0.03)
    )
    assert list(run.deliveries) == [heart.row(fast), late, kept]
    assert [result.delivery_id for result in run.results] == [fast.id]
    assert heart.row(fast).outcome is Outcome.DELIVERED
    assert heart.channels["mail"].works == [], "it was not claimed for this"
    assert heart.channels["smaregi"].works[0].fresh is True
    await heart.settled()
    assert heart.row(late).outcome is Outcome.DELIVERED


async def test_of_a_live_run_with_nothing_claimed_all_stands_as_it_was_written(
    heart: Heart,
) -> None:
    kept = heart.owed("mail", Outcome.HELD)
    run = await heart.deliverer.run_live([kept], a_customer(), fresh=True, until=soon())
    assert (list(run.deliveries), list(run.results)) == ([kept], [])
    assert (heart.channels["mail"].works, heart.db.writes) == ([], 0)


async def test_of_a_live_run_whose_ends_cannot_be_kept_all_stands_as_it_was_written(
    heart: Heart, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.background._STORAGE_AGAIN", 0.0)
    heart.db.breaks = 1
    owed = [heart.owed(claimed=True), heart.owed("mail", Outcome.HELD)]
    run = await heart.deliverer.run_live(owed, a_customer(), fresh=True, until=soon())
    assert (list(run.deliveries), list(run.results)) == (owed, [])
    assert "outcomes could not be kept, they follow: the disk is full" in caplog.text
    await heart.settled()
    assert heart.row(owed[0]).outcome is Outcome.DELIVERED


# -- deciding


async def test_a_flag_decides_for_one_customer_and_their_e_mail(heart: Heart) -> None:
    heart.percent["smaregi"] = 0.0
    assert heart.flag("smaregi", TARO).mode is Mode.HOLD
    assert heart.flag("crm", TARO).mode is Mode.ON


async def test_a_percentage_and_an_allow_list_ask_who_it_is(heart: Heart) -> None:
    allow = frozenset({"taro@example.com"})
    flag = Flag("FLAG_CRM", Mode.ON, percent=50.0, allow=allow)
    heart.flags = lambda: FlagSet({"FLAG_CRM": flag})  # type: ignore[method-assign]

    def outcome(customer: int, email: str | None = None) -> Outcome:
        new = opening(heart.flags(), "crm", Kind.REGISTRATION, Owed(customer, email))
        assert new is not None
        return new.outcome

    for customer in range(20):
        inside = flag.decide(customer).mode is Mode.ON
        assert outcome(customer) is (Outcome.PENDING if inside else Outcome.HELD)
        assert outcome(customer, "taro@example.com") is Outcome.PENDING


async def test_an_urgent_delivery_goes_whatever_its_flag_says(heart: Heart) -> None:
    heart.modes["crm"] = Mode.OFF
    kept, urgent = heart.owed("crm"), heart.owed("crm", customer=HANAKO, urgent=True)
    assert not heart.deliverer.may_go(kept)
    assert heart.deliverer.may_go(urgent)


@pytest.mark.parametrize(
    ("channel", "kind", "age", "late"),
    [
        ("mail", Kind.REGISTRATION, 86401.0, True),
        ("mail", Kind.REGISTRATION, 86400.0, False),
        ("mail", Kind.BACKFILL, 90000.0, False),
        ("smaregi", Kind.REGISTRATION, 90000.0, False),
    ],
)
async def test_only_a_sign_ups_mail_is_ever_too_late(
    heart: Heart, channel: str, kind: Kind, age: float, late: bool
) -> None:
    delivery = heart.owed(channel, kind=kind)
    heart.clock.now += age
    assert heart.deliverer.is_too_late(delivery) is late


# -- reading the customers


async def test_deliveries_are_read_together_and_a_removals_customer_is_not_asked_for(
    heart: Heart,
) -> None:
    heart.shopify.customers[HANAKO] = a_customer(HANAKO)
    owed = [heart.owed("smaregi"), heart.owed("crm"), heart.owed("smaregi", customer=HANAKO)]
    removal = heart.owed("crm", customer=3, kind=Kind.REMOVAL)
    found = await heart.deliverer.with_customers([*owed, removal])
    assert heart.shopify.asked == [{TARO, HANAKO}]
    assert found == [
        (owed[0], a_customer()),
        (owed[1], a_customer()),
        (owed[2], a_customer(HANAKO)),
        (removal, None),
    ]
    assert heart.gone == []


async def test_who_is_missing_is_told_with_those_who_were_found(heart: Heart) -> None:
    gone = heart.owed("smaregi", customer=HANAKO)
    assert await heart.deliverer.with_customers([heart.owed("smaregi"), gone]) == [
        (heart.row(replace(gone, id=2)), a_customer()),
        (gone, None),
    ]
    assert heart.gone == [({TARO, HANAKO}, {TARO})]


async def test_while_shopify_cannot_be_asked_all_wait_uncounted(heart: Heart) -> None:
    heart.shopify.trouble = trouble(ErrorClass.CONNECTION, system="shopify")
    waiting = heart.owed("smaregi")
    failed = heart.owed("crm", Outcome.FAILED)
    assert await heart.deliverer.with_customers([waiting, failed]) is None
    row = heart.row(waiting)
    assert (row.outcome, row.error_class) == (Outcome.RETRYING, ErrorClass.CONNECTION)
    assert (row.waiting, row.attempts) == (Waiting.SHOPIFY, 0)
    assert row.next_attempt_at == heart.clock.now + 10.0
    assert heart.row(failed).outcome is Outcome.FAILED


async def test_one_whom_shopify_does_not_answer_for_has_failed_and_the_others_go(
    heart: Heart,
) -> None:
    heart.shopify.refused[HANAKO] = trouble(
        ErrorClass.UNEXPECTED, system="shopify", reason="INTERNAL"
    )
    refused, other = heart.owed("smaregi", customer=HANAKO), heart.owed("smaregi")
    leaving = heart.owed("crm", customer=HANAKO, kind=Kind.REMOVAL)
    found = await heart.deliverer.with_customers([refused, other, leaving])
    assert found == [(other, a_customer()), (leaving, None)]
    row = heart.row(refused)
    assert (row.outcome, row.error_class) == (Outcome.FAILED, ErrorClass.UNEXPECTED)
    assert row.message == "the customer cannot be read from Shopify (call: it went wrong)"
    assert row.reason == "INTERNAL"
    assert heart.gone == [], "whom Shopify refuses is not missing"


async def test_one_who_cannot_be_read_is_left_to_the_attempt_that_is_under_way(
    heart: Heart,
) -> None:
    delivery = heart.owed()
    heart.deliverer.busy.add(delivery.id)
    await heart.deliverer.cannot_be_read(delivery, trouble())
    assert heart.row(delivery).outcome is Outcome.PENDING


# -- again


async def test_a_delivery_is_claimed_and_tried_in_the_backlogs_lane(heart: Heart) -> None:
    lanes = []

    async def looks(work: Work) -> Done:
        lanes.append(lane.get())
        assert heart.row(delivery).claimed_version == 1
        assert delivery.id in heart.deliverer.busy
        return Done("created", "1")

    heart.channels["smaregi"].ends = [looks]
    delivery = heart.owed()
    after = await heart.deliverer.again(delivery, a_customer())
    assert after == heart.row(delivery)
    assert after.outcome is Outcome.DELIVERED
    assert (after.attempts, lanes) == (1, [Lane.BACKLOG])
    assert lane.get() is Lane.LIVE
    assert heart.deliverer.busy == set()
    assert heart.channels["smaregi"].works[0].fresh is False
    (attempt,) = heart.history(delivery)
    assert attempt["outcome"] == "delivered"


async def test_a_later_attempt_is_made_for_the_request_that_it_began_with(heart: Heart) -> None:
    seen = []

    async def looks(work: Work) -> Done:
        seen.append(request_id.get())
        return Done("created", "1")

    heart.channels["smaregi"].ends = [looks]
    await heart.deliverer.again(heart.change(heart.owed(), request_id="req-1"), a_customer())
    assert (seen, request_id.get()) == (["req-1"], None)


async def test_one_that_somebody_is_at_is_not_tried(heart: Heart) -> None:
    delivery = heart.owed()
    heart.deliverer.busy.add(delivery.id)
    assert await heart.deliverer.again(delivery, a_customer()) is None
    assert heart.channels["smaregi"].works == []
    assert heart.deliverer.busy == {delivery.id}


async def test_one_that_changed_since_its_customer_was_read_is_not_tried(heart: Heart) -> None:
    read = heart.owed()
    heart.change(read, version=2)
    circuit = heart.circuit()
    circuit.cause = ErrorClass.TIMEOUT
    assert await heart.deliverer.again(read, a_customer()) is None
    assert heart.channels["smaregi"].works == []
    assert await circuit.admit() is CircuitState.HALF_OPEN, "the probe is another one's"


async def test_a_claim_that_the_disk_does_not_take_gives_the_probe_back(heart: Heart) -> None:
    circuit = heart.circuit()
    circuit.cause = ErrorClass.TIMEOUT
    heart.db.breaks = 1
    delivery = heart.owed()
    with pytest.raises(StorageError):
        await heart.deliverer.again(delivery, a_customer())
    assert await circuit.admit() is CircuitState.HALF_OPEN
    assert heart.deliverer.busy == set()


async def test_a_flag_that_is_not_on_leaves_the_delivery_as_it_is(heart: Heart) -> None:
    heart.modes["smaregi"] = Mode.HOLD
    delivery = heart.owed()
    assert await heart.deliverer.again(delivery, a_customer()) == delivery
    assert heart.row(delivery) == delivery
    assert heart.channels["smaregi"].works == []


async def test_the_allow_list_is_asked_with_the_customer_at_hand(heart: Heart) -> None:
    address = a_customer().profile.email
    flag = Flag("FLAG_CRM", Mode.ON, percent=0.0, allow=frozenset({address}))
    flags = FlagSet({"FLAG_CRM": flag, "FLAG_SMAREGI": Flag("FLAG_SMAREGI", Mode.ON)})
    heart.flags = lambda: flags  # type: ignore[method-assign]
    after = await heart.deliverer.again(heart.owed("crm"), a_customer())
    assert after is not None
    assert after.outcome is Outcome.DELIVERED


async def test_an_urgent_one_goes_although_its_flag_is_off(heart: Heart) -> None:
    heart.modes["crm"] = Mode.OFF
    heart.link("crm")
    delivery = heart.owed("crm", kind=Kind.UPDATE, urgent=True)
    after = await heart.deliverer.again(delivery, a_customer())
    assert after is not None
    assert after.outcome is Outcome.DELIVERED


async def test_what_is_owed_to_one_who_is_gone_is_given_up(heart: Heart) -> None:
    delivery = heart.owed()
    after = await heart.deliverer.again(delivery, None)
    assert after == heart.row(delivery)
    assert after is not None
    assert (after.outcome, after.message) == (Outcome.DISCARDED, erasure.GONE)
    assert after.error_class is None
    assert heart.deliverer.busy == set()


async def test_where_too_many_seem_gone_nothing_is_given_up(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def begin(db: object, *what: object) -> bool:
        asked.append(what)
        return False

    monkeypatch.setattr("gateway.store.removals.begin", begin)
    delivery = heart.owed()
    assert await heart.deliverer.again(delivery, None) == delivery
    assert asked == [(TARO, "gone", heart.clock.now)]
    row = heart.row(delivery)
    assert (row.outcome, row.waiting) == (Outcome.RETRYING, Waiting.SHOPIFY)
    assert row.next_attempt_at == heart.clock.now + 600.0


async def test_a_removal_goes_without_its_customer(heart: Heart) -> None:
    heart.link()
    delivery = heart.owed(kind=Kind.REMOVAL)
    after = await heart.deliverer.again(delivery, None)
    assert after is not None
    assert after.outcome is Outcome.DELIVERED
    assert links.get(heart.db.connection, "smaregi", TARO) is None


async def test_a_mail_that_is_too_late_goes_only_where_it_was_named(heart: Heart) -> None:
    delivery = heart.owed("mail")
    heart.clock.now += 86401
    after = await heart.deliverer.again(delivery, a_customer())
    assert after is not None
    assert (after.outcome, after.error_class) == (Outcome.FAILED, ErrorClass.TOO_LATE)
    assert after.message is not None
    assert after.message.startswith("older than EMAIL_MAX_AGE")
    assert heart.channels["mail"].works == []
    after = await heart.deliverer.again(after, a_customer(), named=True)
    assert after is not None
    assert after.outcome is Outcome.DELIVERED


async def test_at_a_shut_channel_it_waits_untried_and_is_shown_as_it_stands(
    heart: Heart,
) -> None:
    heart.circuit().failed(trouble(ErrorClass.AUTH))
    delivery = heart.owed()
    after = await heart.deliverer.again(delivery, a_customer())
    assert after == heart.row(delivery)
    assert after is not None
    assert (after.outcome, after.attempts) == (Outcome.RETRYING, 0)
    assert after.next_attempt_at == heart.clock.now + 10.0
    assert heart.channels["smaregi"].works == []


async def test_at_a_shut_channel_one_that_was_settled_meanwhile_is_not_shown(
    heart: Heart,
) -> None:
    heart.circuit().failed(trouble(ErrorClass.AUTH))
    read = heart.owed()
    heart.change(read, outcome="discarded")
    assert await heart.deliverer.again(read, a_customer()) is None


async def test_a_person_probes_a_shut_channel_at_once(heart: Heart) -> None:
    heart.circuit().failed(trouble(ErrorClass.AUTH))
    after = await heart.deliverer.again(heart.owed(), a_customer(), person=True)
    assert after is not None
    assert after.outcome is Outcome.DELIVERED
    assert heart.circuit().cause is None


async def test_one_that_was_discarded_under_way_is_nobodys_news(heart: Heart) -> None:
    async def discarded(work: Work) -> Done:
        heart.change(delivery, outcome="discarded")
        raise trouble()

    heart.channels["smaregi"].ends = [discarded]
    delivery = heart.owed()
    assert await heart.deliverer.again(delivery, a_customer()) is None
    assert heart.told == []


async def test_a_live_attempt_that_took_it_over_stays_busy(heart: Heart) -> None:
    delivery = heart.owed()

    async def taken_over(work: Work) -> Done:
        heart.deliverer._live.add(delivery.id)
        return Done("created", "1")

    heart.channels["smaregi"].ends = [taken_over]
    await heart.deliverer.again(delivery, a_customer())
    assert heart.deliverer.busy == {delivery.id}


# -- waking


async def test_waking_pages_through_all_that_waited_and_no_others(heart: Heart) -> None:
    for customer in range(1, 702):
        row = heart.owed("smaregi", customer=customer)
        heart.change(row, outcome="retrying", waiting="index", next_attempt_at=9e9)
    other = heart.change(
        heart.owed("crm"), outcome="retrying", waiting="index", next_attempt_at=9e9
    )
    await heart.deliverer.wake(Waiting.INDEX, "smaregi")
    count = "SELECT count(*) FROM deliveries WHERE next_attempt_at = ?"
    assert heart.db.connection.execute(count, (heart.clock.now,)).fetchone()[0] == 701
    assert heart.row(other).next_attempt_at == 9e9
    await heart.deliverer.wake(Waiting.INDEX)
    assert heart.row(other).next_attempt_at == heart.clock.now


async def test_a_channel_that_works_again_wakes_what_waited_for_it_alone(heart: Heart) -> None:
    def waits(channel: str, customer: int, waiting: str) -> Delivery:
        row = heart.owed(channel, customer=customer)
        return heart.change(row, outcome="retrying", waiting=waiting, next_attempt_at=9e9)

    own = waits("smaregi", 2, "channel")
    others = [waits("crm", 2, "channel"), waits("smaregi", 3, "index")]
    heart.circuit("smaregi").cause = ErrorClass.TIMEOUT
    await heart.deliverer.again(heart.owed("smaregi"), a_customer())
    assert heart.row(own).next_attempt_at == heart.clock.now
    assert [heart.row(each) for each in others] == others


# -- background work


async def test_what_failed_in_the_background_is_told_by_its_kind_alone(
    heart: Heart, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(error: Exception) -> None:
        raise error

    tasks = [
        heart.background.keep(breaks(error), "work")
        for error in (ValueError("yamada@example.com"), StorageError("disk full", "hint"))
    ]
    assert heart.deliverer.has_work()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == [
        "work failed: ValueError",
        "work failed: disk full",
    ]
    assert not heart.deliverer.has_work()


async def test_what_ended_well_or_was_cancelled_is_no_failure(
    heart: Heart, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    cancelled = heart.background.keep(asyncio.sleep(60), "cancelled")
    heart.background.keep(asyncio.sleep(0), "kept")
    heart.background.run(asyncio.sleep(0), "endless")
    await asyncio.sleep(0)
    cancelled.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert (caplog.records, told) == ([], [])
    assert (heart.background._kept, heart.background._endless) == (set(), set())


async def test_shutdown_waits_for_what_is_under_way_but_not_for_what_never_ends(
    heart: Heart,
) -> None:
    ended = []

    async def short() -> None:
        await asyncio.sleep(0.01)
        ended.append("short")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    heart.background.keep(short(), "short")
    heart.background.run(endless(), "endless")
    assert heart.deliverer.has_work()
    began = asyncio.get_running_loop().time()
    await heart.background.finish(5.0)
    assert ended == ["short", "endless"]
    assert asyncio.get_running_loop().time() - began < 1.0


async def test_shutdown_cancels_what_does_not_end_in_time(heart: Heart) -> None:
    task = heart.background.keep(asyncio.sleep(60), "long")
    await heart.background.finish(0.01)
    assert task.cancelled()
    await Heart().background.finish(0.01)


# -- writing the ends


def an_end(delivery: Delivery, **more: object) -> AttemptResult:
    return AttemptResult(delivery.id, Outcome.DELIVERED, started_at=1.0, **more)  # type: ignore[arg-type]


async def test_of_two_that_end_together_one_that_cannot_be_written_spoils_nothing(
    heart: Heart,
) -> None:
    good, bad = heart.owed("smaregi"), heart.owed("crm")
    ends = [an_end(bad, reference="2", fingerprints={"name": object()}), an_end(good)]
    settled = await heart.deliverer._results.settle(ends)
    assert [str(each.delivery.outcome) for each in settled] == ["failed", "delivered"]


async def test_an_outcome_waits_a_hundredth_of_a_second_for_another_and_no_longer() -> None:
    from gateway.delivery.settling import ended_together

    def ends_in(seconds: float) -> "asyncio.Task[AttemptResult]":
        async def later() -> AttemptResult:
            await asyncio.sleep(seconds)
            return AttemptResult(1, Outcome.DELIVERED, started_at=1.0)

        return asyncio.create_task(later())

    async def scene() -> tuple[list[bool], float, int]:
        running = [ends_in(seconds) for seconds in (1.0, 1.005, 1.5)]
        done = await ended_together(running, 5.0)
        at = asyncio.get_running_loop().time()
        none = await ended_together([running[2]], 0.1)
        running[2].cancel()
        return [each in done for each in running], at, len(none)

    def in_a_thread() -> tuple[list[bool], float, int]:
        return run(scene())

    together, at, none = await asyncio.to_thread(in_a_thread)
    assert together == [True, True, False]
    assert at == pytest.approx(1.01)
    assert none == 0


async def test_an_end_that_cannot_be_written_spoils_no_other_and_has_failed(
    heart: Heart, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad, third = heart.owed("smaregi"), heart.owed("crm"), heart.owed("mail")
    ends = [
        an_end(good, reference="1", fingerprints={}),
        an_end(bad, reference="2", fingerprints={"name": object()}, duration=0.25),
        an_end(third, reference="3", fingerprints={}),
    ]
    settled = await heart.deliverer._results.settle(ends)
    assert [each.delivery.id for each in settled] == [good.id, bad.id, third.id]
    assert [str(each.delivery.outcome) for each in settled] == ["delivered", "failed", "delivered"]
    row = heart.row(bad)
    assert row.error_class is ErrorClass.UNEXPECTED
    assert row.message == (
        "the attempt was made (delivered), its outcome could not be written: TypeError;"
        " see the log, then replay it"
    )
    (attempt,) = heart.history(bad)
    assert (attempt["started_at"], attempt["duration"]) == (1.0, 0.25)
    assert f"the outcome of delivery {bad.id} cannot be written" in caplog.text


async def test_whoever_listens_and_breaks_changes_nothing(
    heart: Heart, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(_: object) -> None:
        raise ValueError

    heart.told_others.attempt_ended = breaks  # type: ignore[method-assign, assignment]
    delivery = heart.owed()
    await heart.deliverer._results.settle([an_end(delivery)])
    assert heart.row(delivery).outcome is Outcome.DELIVERED
    assert f"the end of delivery {delivery.id} could not be told" in caplog.text


async def test_the_ends_are_told_in_their_order_and_only_once_they_are_written(
    heart: Heart,
) -> None:
    gone, there = heart.owed("smaregi"), heart.owed("crm")
    heart.change(gone, outcome="discarded")
    end = AttemptResult(gone.id, Outcome.FAILED, started_at=1.0)
    settled = await heart.deliverer._results.settle([end, an_end(there)])
    assert [each.delivery.id for each in settled] == [there.id]
    assert heart.told == settled
    assert heart.row(there).updated_at == heart.clock.now


async def test_only_what_waits_is_postponed(heart: Heart) -> None:
    decision = heart.attempts.paused(heart.circuit())
    kept = heart.owed("smaregi", Outcome.HELD)
    await heart.deliverer._results.postpone([kept], decision, 0)
    assert heart.db.writes == 0
    pending, again = heart.owed("crm"), heart.change(heart.owed("mail"), outcome="retrying")
    await heart.deliverer._results.postpone([kept, pending, again], decision, 0)
    rows = [heart.row(each) for each in (kept, pending, again)]
    assert [str(row.outcome) for row in rows] == ["held", "retrying", "retrying"]
    assert [row.next_attempt_at for row in rows] == [None, *[heart.clock.now + 1.0] * 2]
    assert rows[1].updated_at == heart.clock.now


async def test_an_end_without_an_attempt_is_written_and_told(heart: Heart) -> None:
    delivery = heart.owed()
    heart.clock.now += 7
    after = await heart.deliverer._results.end(
        delivery, Outcome.FAILED, ErrorClass.CONFLICT, "because"
    )
    assert after == heart.row(delivery)
    assert after is not None
    assert (after.outcome, after.error_class, after.message) == (
        Outcome.FAILED,
        ErrorClass.CONFLICT,
        "because",
    )
    (attempt,) = heart.history(delivery)
    assert attempt["started_at"] == heart.clock.now
    heart.change(delivery, outcome="discarded")
    failed = partial(heart.deliverer._results.end, delivery, Outcome.FAILED, None, "because")
    assert await failed() is None


# -- the clock is set


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 5.0])
async def test_what_waits_moves_along_with_a_clock_that_was_set(
    heart: Heart,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    jump: float,
) -> None:
    waiting = heart.change(heart.owed(), outcome="retrying", next_attempt_at=2_000_000.0)
    clock_jumps = heart.delivery.clock_jumps
    clock_jumps._offset = heart.clock.now - 50.0
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 50.0)
    assert not await clock_jumps.follow()
    heart.clock.now += jump
    assert await clock_jumps.follow()
    assert heart.row(waiting).next_attempt_at == 2_000_000.0 + jump
    assert not await clock_jumps.follow()
    assert heart.row(waiting).next_attempt_at == 2_000_000.0 + jump
    assert f"the wall clock jumped by {jump:.0f} s" in caplog.text


async def test_a_clock_that_is_a_little_off_moves_nothing_and_adds_nothing_up(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 0.0
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: moment)
    clock_jumps = heart.delivery.clock_jumps
    clock_jumps._offset = heart.clock.now
    waiting = heart.change(heart.owed(), outcome="retrying", next_attempt_at=2_000_000.0)
    for _ in range(5):
        heart.clock.now += 4.0
        assert not await clock_jumps.follow()
    assert heart.row(waiting).next_attempt_at == 2_000_000.0


async def test_a_clock_that_goes_on_by_itself_was_not_set(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 50.0
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: moment)
    clock_jumps = heart.delivery.clock_jumps
    ahead = clock_jumps.ahead()
    heart.clock.now += 600.0
    moment += 600.0
    assert clock_jumps.since(ahead) == 0.0
    heart.clock.now -= 60.0
    assert clock_jumps.since(ahead) == -60.0


async def test_webhooks_move_along_once_and_a_move_that_broke_off_is_ended(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[float] = []
    units: list[tuple[float, int]] = []

    def shift_events(db: object, seconds: float, below: int, before: float) -> None:
        moved.append(seconds)

    def shift(db: object, seconds: float, below: int) -> int | None:
        units.append((seconds, below))
        return below - 1 if len(units) % 3 else None

    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 0.0)
    monkeypatch.setattr("gateway.store.outbox.shift_events", shift_events)
    monkeypatch.setattr("gateway.store.outbox.shift", shift)
    clock_jumps = heart.delivery.clock_jumps
    clock_jumps._offset = heart.clock.now
    heart.clock.now += 60.0
    write, calls = heart.db.write, 0

    async def breaks_once(unit: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StorageError("full", "hint")
        return await write(unit)  # type: ignore[arg-type]

    monkeypatch.setattr(heart.db, "write", breaks_once)
    with pytest.raises(StorageError):
        await clock_jumps.follow()
    assert (moved, units) == ([], [(60.0, 2**62)])
    assert not await clock_jumps.follow(), "it has jumped no further"
    assert units == [(60.0, 2**62), (60.0, 2**62 - 1), (60.0, 2**62 - 2)]
    assert moved == [60.0]


async def test_two_who_follow_at_once_move_it_once(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 0.0)
    clock_jumps = heart.delivery.clock_jumps
    clock_jumps._offset = heart.clock.now
    waiting = heart.change(heart.owed(), outcome="retrying", next_attempt_at=2_000_000.0)
    heart.clock.now += 60.0
    await asyncio.gather(clock_jumps.follow(), clock_jumps.follow())
    assert heart.row(waiting).next_attempt_at == 2_000_060.0


async def test_an_end_is_written_by_the_clock_that_what_waits_goes_by(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes when something is due follows the clock first."""
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 0.0)
    heart.delivery.clock_jumps._offset = heart.clock.now
    waiting = heart.change(heart.owed("crm"), outcome="retrying", next_attempt_at=2_000_000.0)
    delivery = heart.owed("smaregi")
    heart.clock.now += 60.0
    await heart.deliverer._results.settle([an_end(delivery)])
    assert heart.row(waiting).next_attempt_at == 2_000_060.0
    heart.clock.now += 60.0
    await heart.deliverer._results.postpone(
        [heart.owed("mail")], heart.attempts.paused(heart.circuit()), 0
    )
    assert heart.row(waiting).next_attempt_at == 2_000_120.0
    heart.clock.now += 60.0
    await heart.deliverer.wake(Waiting.INDEX)
    assert heart.row(waiting).next_attempt_at == 2_000_180.0


async def test_an_end_that_the_disk_takes_late_moves_along_each_time_the_clock_is_set(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.delivery.clock_jumps.time.monotonic", lambda: 0.0)
    clock_jumps, write = heart.delivery.clock_jumps, heart.db.write
    clock_jumps._offset = heart.clock.now
    delivery = heart.owed()
    end = AttemptResult(delivery.id, Outcome.RETRYING, started_at=1.0, next_attempt_at=2e6)
    end.ahead = clock_jumps.ahead()

    async def full(unit: object) -> object:
        raise StorageError("full", "hint")

    for jump in (60.0, -600.0):
        heart.clock.now += jump
        assert await clock_jumps.follow()
        monkeypatch.setattr(heart.db, "write", full)
        with pytest.raises(StorageError):
            await heart.deliverer._results.settle([end])
        monkeypatch.setattr(heart.db, "write", write)
    await heart.deliverer._results.settle([end])
    assert heart.row(delivery).next_attempt_at == 2e6 - 540.0


async def test_an_end_whose_clock_is_not_known_is_written_as_it_is(heart: Heart) -> None:
    delivery = heart.owed()
    end = AttemptResult(delivery.id, Outcome.RETRYING, started_at=1.0, next_attempt_at=2e6)
    heart.clock.now += 3600.0
    await heart.deliverer._results.settle([end])
    assert heart.row(delivery).next_attempt_at == 2e6


async def test_what_is_postponed_while_the_clock_is_set_goes_by_the_new_one(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_set() -> bool:
        heart.clock.now += 3600.0
        return True

    monkeypatch.setattr(heart.delivery.clock_jumps, "follow", is_set)
    decision, delivery = heart.attempts.paused(heart.circuit()), heart.owed()
    await heart.deliverer._results.postpone([delivery], decision, 0)
    again = heart.row(delivery).next_attempt_at
    assert again == pytest.approx(heart.clock.now + 1.0, abs=0.1)


async def test_a_removal_from_an_unset_channel_is_not_kept_from_a_person(heart: Heart) -> None:
    heart.settings["smaregi"] = TheSettings(lacking="POS_TOKEN: is not set")
    customer: Customer | None = None
    after = await heart.deliverer.again(heart.owed(kind=Kind.REMOVAL), customer)
    assert after is not None
    assert after.error_class is ErrorClass.CONFLICT
