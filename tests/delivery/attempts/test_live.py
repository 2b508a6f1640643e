"""A live attempt at a channel that is shut, and a rehearsal."""

import asyncio

from gateway.channels import Done, Work
from gateway.delivery import CircuitState
from gateway.errors import (
    DryRunStop,
    ErrorClass,
    IdentityError,
)
from gateway.outcomes import Outcome, Waiting
from gateway.wire import dry_run
from tests.delivery.heart import Heart, a_customer, trouble


async def test_a_live_attempt_at_a_shut_channel_is_persisted_at_once(heart: Heart) -> None:
    heart.circuit().failed(trouble(ErrorClass.AUTH))
    delivery = heart.owed(claimed=True)
    end = await heart.attempts.live(delivery, a_customer(), fresh=True)
    assert heart.channels["smaregi"].works == []
    assert (end.delivery_id, end.outcome) == (delivery.id, Outcome.RETRYING)
    assert (end.error_class, end.waiting) == (ErrorClass.AUTH, Waiting.CHANNEL)
    assert (end.counted, end.duration, end.started_at) == (False, 0.0, heart.clock.now)
    assert end.next_attempt_at == heart.clock.now + 10.0
    assert end.message == "waiting: smaregi is paused since its credentials are refused"


async def test_a_gate_without_a_cause_counts_as_unavailable_and_waits_a_second(
    heart: Heart,
) -> None:
    decision = heart.attempts.paused(heart.circuit())
    assert decision.error_class is ErrorClass.UNAVAILABLE
    assert decision.next_attempt_at == heart.clock.now + 1.0


async def test_a_live_attempt_goes_through_an_open_gate(heart: Heart) -> None:
    end = await heart.attempts.live(heart.owed(claimed=True), a_customer(), fresh=True)
    assert end.outcome is Outcome.DELIVERED
    assert heart.channels["smaregi"].works[0].fresh


async def test_what_waits_for_a_shut_channel_has_the_reason_that_shut_it(heart: Heart) -> None:
    heart.circuit().failed(trouble(ErrorClass.AUTH, reason="TOKEN_REVOKED"))
    end = await heart.attempts.live(heart.owed(claimed=True), a_customer(), fresh=True)
    assert end.reason == "TOKEN_REVOKED"


async def test_the_pause_that_another_identity_causes_says_why(heart: Heart) -> None:
    heart.circuit().failed(IdentityError("smaregi", "call", "another contract answers"))
    assert "another contract answers" in heart.attempts.paused(heart.circuit()).message


# -- a rehearsal


async def test_a_dry_run_stops_before_its_write_and_is_no_news_of_the_channel(
    heart: Heart,
) -> None:
    seen = []

    async def writes(work: Work) -> Done:
        seen.append((dry_run.get(), work.fresh))
        raise DryRunStop("POST /members")

    heart.circuit().cause = ErrorClass.TIMEOUT
    heart.channels["smaregi"].ends = [writes]
    delivery = heart.owed(outcome=Outcome.DRY_RUN, claimed=True)
    task = asyncio.create_task(heart.attempts.live(delivery, a_customer(), fresh=True))
    end = await task
    assert seen == [(True, False)], "a rehearsal reads what there is, whoever is new"
    assert (end.delivery_id, end.outcome) == (delivery.id, Outcome.DRY_RUN)
    assert end.message == "dry run: stopped before POST /members"
    assert (end.error_class, end.error, end.started_at) == (None, None, heart.clock.now)
    assert 0 < end.duration < 1
    assert heart.circuit().cause is ErrorClass.TIMEOUT


async def test_a_dry_run_with_nothing_to_write_says_so(heart: Heart) -> None:
    delivery = heart.owed(outcome=Outcome.DRY_RUN, claimed=True)
    heart.circuit().cause = ErrorClass.TIMEOUT
    end = await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert (end.outcome, end.delivery_id) == (Outcome.DRY_RUN, delivery.id)
    text = "dry run: nothing to write, the channel has the customer (created)"
    assert (end.message, end.started_at) == (text, heart.clock.now)
    assert 0 < end.duration < 1
    assert (end.action, end.reference) == (None, None)
    assert heart.circuit().cause is ErrorClass.TIMEOUT, "nothing is learnt of its writes"


async def test_a_dry_run_that_fails_says_why_and_is_no_trouble_of_the_channel(
    heart: Heart,
) -> None:
    error = trouble(ErrorClass.AUTH)
    heart.channels["smaregi"].ends = [error]
    delivery = heart.owed(outcome=Outcome.DRY_RUN, claimed=True)
    end = await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert (end.delivery_id, end.outcome) == (delivery.id, Outcome.DRY_RUN)
    assert (end.message, end.error_class) == ("dry run: call: it went wrong", ErrorClass.AUTH)
    assert (end.error, end.started_at) == (error, heart.clock.now)
    assert 0 < end.duration < 1
    assert heart.circuit().cause is None


async def test_a_dry_run_gives_a_probe_back(heart: Heart) -> None:
    circuit = heart.circuit()
    circuit.cause = ErrorClass.TIMEOUT
    await circuit.admit()
    heart.channels["smaregi"].ends = [DryRunStop("POST")]
    delivery = heart.owed(outcome=Outcome.DRY_RUN, claimed=True)
    await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert await circuit.admit() is CircuitState.HALF_OPEN
