"""Opting out and removals, and what is told of an end."""

from dataclasses import replace

import pytest

from flags import Mode
from gateway.errors import (
    ErrorClass,
    UpstreamError,
)
from gateway.outcomes import Kind, Outcome
from gateway.store.outbox import AttemptResult
from tests.delivery.heart import TARO, Heart, TheSettings, a_customer, trouble


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        (Mode.OFF, Outcome.DELIVERED),
        (Mode.HOLD, Outcome.HELD),
        (Mode.DRY_RUN, Outcome.DRY_RUN),
    ],
)
async def test_an_opt_out_goes_alone_where_the_flag_keeps_the_rest(
    heart: Heart, mode: Mode, outcome: Outcome
) -> None:
    heart.modes["crm"] = mode
    heart.link("crm")
    delivery = heart.owed("crm", kind=Kind.UPDATE, claimed=True, urgent=True)
    end = await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert heart.channels["crm"].works[0].only == "consent"
    assert end.outcome is outcome
    assert end.message == "only the opting out was sent; the flag keeps the rest"


async def test_an_opt_out_takes_the_rest_along_where_the_flag_is_on(heart: Heart) -> None:
    heart.link("crm")
    delivery = heart.owed("crm", kind=Kind.UPDATE, claimed=True, urgent=True)
    end = await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert heart.channels["crm"].works[0].only is None
    assert (end.outcome, end.message) == (Outcome.DELIVERED, None)


# -- removals


async def test_a_removal_takes_the_linked_record_away(heart: Heart) -> None:
    heart.link()
    delivery = heart.owed(kind=Kind.REMOVAL, claimed=True)
    end = await heart.attempts.make(delivery, None, fresh=False)
    assert [link.reference for link in heart.channels["smaregi"].removed] == [f"smaregi-{TARO}"]
    assert (end.outcome, end.action, end.reference) == (
        Outcome.DELIVERED,
        "removed",
        f"smaregi-{TARO}",
    )
    assert (end.fingerprints, end.was_linked) == (None, False)


async def test_a_removal_goes_although_the_customer_is_at_hand(heart: Heart) -> None:
    heart.link()
    delivery = heart.owed(kind=Kind.REMOVAL, claimed=True)
    await heart.attempts.make(delivery, a_customer(), fresh=False)
    assert len(heart.channels["smaregi"].removed) == 1
    assert heart.channels["smaregi"].works == []


async def test_a_removal_without_a_link_is_done_already(heart: Heart) -> None:
    end = await heart.attempts.make(heart.owed(kind=Kind.REMOVAL, claimed=True), None, fresh=False)
    assert heart.channels["smaregi"].removed == []
    assert (end.outcome, end.action, end.reference) == (Outcome.DELIVERED, "removed", "")


async def test_a_removal_of_a_record_whose_answer_was_lost_takes_it_away_as_planned(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def record_of(customer_id: int) -> str:
        assert customer_id == TARO
        return "1024"

    monkeypatch.setattr(heart.channels["smaregi"], "record_of", record_of)
    plan = '{"old_number": "900", "old_number_in": "note"}'
    delivery = heart.change(heart.owed(kind=Kind.REMOVAL, claimed=True), plan=plan)
    await heart.attempts.make(delivery, None, fresh=False)
    (link,) = heart.channels["smaregi"].removed
    assert (link.channel, link.customer_id, link.reference) == ("smaregi", TARO, "1024")
    assert (link.old_number, link.old_place) == ("900", "note")


async def test_a_removal_from_a_channel_without_its_settings_waits_for_a_person(
    heart: Heart,
) -> None:
    heart.link()
    heart.settings["smaregi"] = TheSettings(lacking="POS_TOKEN: is not set")
    delivery = heart.owed(kind=Kind.REMOVAL, claimed=True)
    end = await heart.attempts.make(delivery, None, fresh=False)
    assert (end.outcome, end.error_class) == (Outcome.FAILED, ErrorClass.CONFLICT)
    assert end.message is not None
    assert end.message.startswith("remove: settings of the channel are missing")
    assert end.error is not None
    assert (end.error.system, end.error.applied) == ("smaregi", False)
    assert end.content_hash is None, "nobody's data was sent"
    assert heart.channels["smaregi"].removed == []


# -- what is told of an end


async def test_what_ended_with_another_customers_record_is_told_as_a_failure(
    heart: Heart,
) -> None:
    from gateway.delivery import SettledAttempt

    failed = replace(
        heart.owed(),
        outcome=Outcome.FAILED,
        error_class=ErrorClass.CONFLICT,
        message="another customer",
    )
    end = AttemptResult(failed.id, Outcome.DELIVERED, started_at=1.0, member_number="77")
    told = SettledAttempt.of(failed, end)
    assert (told.delivery, told.result.outcome) == (failed, Outcome.FAILED)
    assert told.result.error_class is ErrorClass.CONFLICT
    assert (told.result.message, told.result.member_number) == ("another customer", None)


@pytest.mark.parametrize(
    ("stands", "ended"),
    [(Outcome.PENDING, Outcome.DELIVERED), (Outcome.FAILED, Outcome.FAILED)],
)
async def test_any_other_end_is_told_as_it_was(
    heart: Heart, stands: Outcome, ended: Outcome
) -> None:
    from gateway.delivery import SettledAttempt

    error: UpstreamError | None = trouble()
    end = AttemptResult(1, ended, started_at=1.0, member_number="77", error=error)
    told = SettledAttempt.of(replace(heart.owed(), outcome=stands), end)
    assert told.result is end
    assert told.result.error is error
