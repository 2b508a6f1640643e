"""One attempt: what a channel is handed, and what becomes of how it ended."""

import asyncio

import pytest

from gateway.channels import Done, Work
from gateway.delivery import CircuitState
from gateway.errors import (
    ErrorClass,
    NotReadyError,
    StorageError,
    UpstreamError,
)
from gateway.outcomes import Match, Outcome, Waiting
from gateway.wire import PausableTimeout
from tests.delivery.heart import TARO, Heart, a_customer, trouble


async def test_an_attempt_that_arrived_says_all_that_the_channel_said(heart: Heart) -> None:
    match = Match((3,))
    heart.channels["smaregi"].ends = [
        Done(
            "linked",
            "1024",
            member_number="77",
            adjustments=[{"field": "name", "change": "cut"}],
            fields={"name": "山田"},
            sent={"name": "山田"},
            old_number="12",
            old_place="note",
            match=match,
            unproven=b"hash",
            instead_of=9,
        )
    ]
    delivery = heart.owed(claimed=True)
    end = await heart.attempts.make(delivery, a_customer(), fresh=True)
    assert (end.delivery_id, end.outcome) == (delivery.id, Outcome.DELIVERED)
    assert (end.action, end.reference, end.member_number) == ("linked", "1024", "77")
    assert end.adjustments == [{"field": "name", "change": "cut"}]
    assert (end.old_number, end.old_place, end.match) == ("12", "note", match)
    assert (end.unproven, end.instead_of, end.was_linked) == (b"hash", 9, False)
    assert (end.started_at, end.message, end.error, end.error_class) == (
        heart.clock.now,
        None,
        None,
        None,
    )
    assert 0 < end.duration < 1
    given = heart.delivery.preparation.last_sent("smaregi", TARO, None)
    assert end.fingerprints == given.after({"name": "山田"}, {"name": "山田"})
    assert end.counted
    assert end.next_attempt_at is None
    assert end.content_hash is None


async def test_the_marks_keep_what_the_record_holds_and_would_not_give_up(heart: Heart) -> None:
    said = Done(
        "created", "1", fields={"name": "山田"}, in_record={"name": "佐藤"}, kept={"note": "旧"}
    )
    heart.channels["smaregi"].ends = [said]
    end = await heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=True)
    given = heart.delivery.preparation.last_sent("smaregi", TARO, None)
    assert end.fingerprints == given.after({"name": "山田"}, {}, {"name": "佐藤"}, {"note": "旧"})


async def test_no_marks_are_written_of_a_record_of_which_nothing_is_known(heart: Heart) -> None:
    heart.channels["mail"].ends = [Done("sent", "id")]
    end = await heart.attempts.make(heart.owed("mail", claimed=True), a_customer(), fresh=True)
    assert end.fingerprints is None


@pytest.mark.parametrize(("reference", "same"), [("smaregi-7000000000001", True), ("other", False)])
async def test_a_link_that_was_there_counts_only_for_its_own_record(
    heart: Heart, reference: str, same: bool
) -> None:
    heart.link()
    heart.channels["smaregi"].ends = [Done("updated", reference)]
    end = await heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=False)
    assert end.was_linked is same
    assert end.fingerprints == {}, "of a linked record the marks are known, if only as none"


async def test_a_fresh_customers_link_is_not_looked_for(heart: Heart) -> None:
    heart.link()
    await heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=True)
    await heart.attempts.make(heart.owed("crm", claimed=True), a_customer(), fresh=False)
    (at_pos,), (at_crm,) = heart.channels["smaregi"].works, heart.channels["crm"].works
    assert (at_pos.link, at_pos.fresh) == (None, True)
    assert (at_crm.link, at_crm.fresh) == (None, False)


async def test_a_failure_follows_the_schedule_and_counts_towards_the_circuit(heart: Heart) -> None:
    error = trouble()
    heart.channels["smaregi"].ends = [error]
    delivery = heart.owed(claimed=True)
    end = await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert (end.outcome, end.error_class) == (Outcome.RETRYING, ErrorClass.TIMEOUT)
    assert end.next_attempt_at is not None
    assert 5.0 <= end.next_attempt_at - heart.clock.now <= 5.5
    assert (end.message, end.error) == ("call: it went wrong", error)
    assert (end.delivery_id, end.started_at, end.counted) == (delivery.id, heart.clock.now, True)
    assert 0 < end.duration < 1
    assert end.content_hash == heart.delivery.preparation.content_hash("smaregi", a_customer())
    for _ in range(4):
        heart.channels["smaregi"].ends = [trouble()]
        await heart.attempts.make(heart.row(delivery), a_customer(), fresh=False)
    assert heart.circuit().cause is ErrorClass.TIMEOUT


async def test_the_second_failure_waits_for_the_second_delay(heart: Heart) -> None:
    heart.channels["smaregi"].ends = [trouble()]
    delivery = heart.change(heart.owed(claimed=True), attempts=2)
    end = await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert end.next_attempt_at is not None
    assert 30.0 <= end.next_attempt_at - heart.clock.now <= 33.0


async def test_an_attempt_that_takes_too_long_has_timed_out(heart: Heart) -> None:
    async def sleeps(_: Work) -> Done:
        await asyncio.sleep(5)
        raise AssertionError

    heart.timeout = 0.005
    heart.channels["smaregi"].ends = [sleeps]
    end = await heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=False)
    assert end.error_class is ErrorClass.TIMEOUT
    assert end.message == "deliver: the attempt took too long"
    assert 0.03 <= end.duration < 0.5, "six calls"
    assert end.error is not None
    assert end.error.system == "smaregi"


async def test_an_attempt_may_take_as_long_as_six_calls(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def patience(seconds: float) -> PausableTimeout:
        given.append(seconds)
        return PausableTimeout(seconds)

    monkeypatch.setattr("gateway.delivery.attempt.PausableTimeout", patience)
    await heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=False)
    assert given == [48.0]


async def test_waiting_for_another_attempts_turn_is_not_measured(heart: Heart) -> None:
    heart.timeout = 0.003
    turn = heart.delivery.preparation.turn("smaregi", TARO)
    await turn.__aenter__()
    making = asyncio.create_task(
        heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=False)
    )
    await asyncio.sleep(0.04)
    assert heart.channels["smaregi"].works == []
    await turn.__aexit__()
    assert (await making).outcome is Outcome.DELIVERED
    assert not heart.delivery.preparation._turns


async def test_an_error_of_our_own_fails_the_attempt_and_not_the_program(heart: Heart) -> None:
    heart.channels["smaregi"].ends = [KeyError("yamada@example.com")]
    end = await heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=False)
    assert (end.outcome, end.error_class) == (Outcome.RETRYING, ErrorClass.UNEXPECTED)
    assert end.message == "deliver: an error of the gateway itself (KeyError); see its log"
    assert end.error is not None
    assert end.error.system == "smaregi"


@pytest.mark.parametrize("end", [StorageError("full", "hint"), asyncio.CancelledError()])
async def test_a_probe_that_did_not_reach_the_channel_is_given_back(
    heart: Heart, end: BaseException
) -> None:
    circuit = heart.circuit()
    circuit.cause = ErrorClass.TIMEOUT
    assert await circuit.admit() is CircuitState.HALF_OPEN
    heart.channels["smaregi"].ends = [end]
    with pytest.raises(type(end)):
        await heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=False)
    assert circuit.cause is ErrorClass.TIMEOUT
    assert await circuit.admit() is CircuitState.HALF_OPEN
    assert not heart.delivery.preparation._turns


async def test_what_waits_for_the_index_says_nothing_of_the_channel(heart: Heart) -> None:
    circuit = heart.circuit()
    circuit.cause = ErrorClass.TIMEOUT
    await circuit.admit()
    heart.channels["smaregi"].ends = [NotReadyError("smaregi", "members are read")]
    end = await heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=False)
    assert (end.waiting, end.counted) == (Waiting.INDEX, False)
    assert circuit.cause is ErrorClass.TIMEOUT
    assert await circuit.admit() is CircuitState.HALF_OPEN


async def test_shopifys_failure_is_not_held_against_channel_or_customer(heart: Heart) -> None:
    circuit = heart.circuit()
    circuit.cause = ErrorClass.TIMEOUT
    await circuit.admit()
    error = trouble(ErrorClass.UNAVAILABLE, system="shopify", retry_after=60.0)
    heart.channels["smaregi"].ends = [error]
    delivery = heart.owed(claimed=True)
    end = await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert (end.waiting, end.counted, end.error) == (Waiting.SHOPIFY, False, error)
    assert end.next_attempt_at == heart.clock.now + 60.0
    assert (end.delivery_id, end.outcome) == (delivery.id, Outcome.RETRYING)
    assert (end.started_at, end.error_class) == (heart.clock.now, ErrorClass.UNAVAILABLE)
    assert 0 < end.duration < 1
    assert await circuit.admit() is CircuitState.HALF_OPEN


@pytest.mark.parametrize("outcome", [Outcome.PENDING, Outcome.DRY_RUN])
async def test_the_upstreams_own_reason_goes_with_the_end(heart: Heart, outcome: Outcome) -> None:
    heart.channels["smaregi"].ends = [trouble(reason="PLAN_LIMIT")]
    delivery = heart.owed(outcome=outcome, claimed=True)
    end = await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert end.reason == "PLAN_LIMIT"


async def test_the_next_try_moves_along_with_a_clock_that_is_set_before_the_end_is_written(
    heart: Heart,
) -> None:
    heart.channels["smaregi"].ends = [trouble()]
    delivery = heart.owed(claimed=True)
    end = await heart.attempts.make(delivery, a_customer(), fresh=False)
    heart.clock.now += 3600.0
    await heart.deliverer._results.settle([end])
    again = heart.row(delivery).next_attempt_at
    assert again is not None
    assert 0.0 < again - heart.clock.now <= 5.5  # less what the test itself took


async def test_the_first_success_after_trouble_wakes_what_waited_for_the_channel(
    heart: Heart,
) -> None:
    waiting = heart.change(
        heart.owed("smaregi", customer=2),
        outcome="retrying",
        waiting="channel",
        next_attempt_at=9e9,
    )
    others = heart.change(
        heart.owed("crm", customer=2), outcome="retrying", waiting="channel", next_attempt_at=9e9
    )
    heart.circuit().cause = ErrorClass.TIMEOUT
    await heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=False)
    assert heart.row(waiting).next_attempt_at == heart.clock.now
    assert heart.row(others).next_attempt_at == 9e9
    assert heart.circuit().cause is None


async def test_who_cannot_be_taken_by_a_channel_is_not_sent_there() -> None:
    heart = Heart()
    heart.channels["smaregi"].takes = lambda customer: customer.profile.last_name != ""  # type: ignore[method-assign]
    nameless = a_customer(last_name="")
    end = await heart.attempts.make(heart.owed(claimed=True), nameless, fresh=False)
    assert (end.outcome, end.error_class) == (Outcome.FAILED, ErrorClass.INVALID_DATA)
    assert end.message is not None
    assert end.message.startswith("deliver: the customer lacks what the channel needs")
    assert end.error is not None
    assert (end.error.system, end.error.applied) == ("smaregi", False)
    assert heart.channels["smaregi"].works == []
    heart.link()
    end = await heart.attempts.make(heart.owed(claimed=True), nameless, fresh=False)
    assert end.outcome is Outcome.DELIVERED, "a record that is there follows its customer"


@pytest.mark.parametrize(
    ("error", "notes"),
    [
        (None, {"outcome": "delivered"}),
        (trouble(), {"outcome": "retrying", "error_class": "timeout"}),
    ],
)
async def test_an_attempts_span_says_how_it_ended(
    heart: Heart, error: UpstreamError | None, notes: dict[str, str]
) -> None:
    heart.channels["smaregi"].ends = [error] if error else []
    delivery = heart.owed(claimed=True)
    await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert heart.spans.opened == [("attempt", delivery.id, notes)]
