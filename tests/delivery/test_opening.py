"""What a channel is owed, by its flags and by what is there already."""

from dataclasses import replace

import pytest

from flags import Flag, FlagSet, Mode
from gateway.delivery.opening import (
    LIVE,
    REHEARSED,
    UNTRIED,
    Owed,
    after_opting_out,
    by_hand,
    opening,
    removal,
    sent_again,
)
from gateway.outcomes import (
    AUTOMATIC,
    OPEN,
    PARTIAL,
    REPLAYABLE,
    SETTLED,
    Delivery,
    Kind,
    NewDelivery,
    Outcome,
)

WHOM = Owed(7, "a@example.com", linked=True)


def flags(crm: Mode, updates: Mode = Mode.ON, percent: float | None = None) -> FlagSet:
    each = (Flag("FLAG_CRM", crm, percent=percent), Flag("FLAG_UPDATES", updates))
    return FlagSet({flag.name: flag for flag in each})


def waiting(outcome: Outcome, kind: Kind = Kind.UPDATE) -> Delivery:
    nothing = dict.fromkeys(
        ["registration_id", "error_class", "message", "claimed_version", "waiting", "plan"]
    )
    return Delivery(
        **nothing,  # type: ignore[arg-type]
        id=1,
        customer_id=7,
        channel="crm",
        kind=kind,
        outcome=outcome,
        attempts=0,
        version=1,
        action=None,
        reference=None,
        adjustments=(),
        created_at=0.0,
        updated_at=0.0,
        next_attempt_at=None,
    )


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        (Mode.ON, Outcome.PENDING),
        (Mode.HOLD, Outcome.HELD),
        (Mode.OFF, Outcome.SKIPPED),
        (Mode.DRY_RUN, Outcome.DRY_RUN),
    ],
)
def test_a_sign_up_is_owed_to_every_channel_whatever_its_flag_says(
    mode: Mode, outcome: Outcome
) -> None:
    for tried in (UNTRIED, REHEARSED, LIVE):
        new = opening(flags(mode), "crm", Kind.REGISTRATION, Owed(7), tried)
        assert new == NewDelivery("crm", Kind.REGISTRATION, outcome, outcome in tried)


def test_of_whom_nothing_is_known_the_channel_is_to_get_a_record_at_once() -> None:
    assert Owed(7) == Owed(
        7,
        email=None,
        linked=False,
        unproven=False,
        waiting=None,
        belongs=True,
        differs=True,
        opted_out=False,
        not_before=None,
    )


@pytest.mark.parametrize("kind", [Kind.REGISTRATION, Kind.UPDATE, Kind.BACKFILL])
def test_a_percentage_asks_for_the_customer_and_an_allow_list_for_the_e_mail(kind: Kind) -> None:
    flag = Flag("FLAG_CRM", Mode.ON, percent=50.0, allow=frozenset({"a@example.com"}))
    both = FlagSet({"FLAG_CRM": flag, "FLAG_UPDATES": Flag("FLAG_UPDATES", Mode.ON)})

    def outcome(customer_id: int, email: str | None) -> Outcome | None:
        new = opening(both, "crm", kind, Owed(customer_id, email))
        return new.outcome if new else None

    for number in range(20):
        inside = flag.decide(number).mode is Mode.ON
        assert outcome(number, None) is (Outcome.PENDING if inside else Outcome.HELD)
        assert outcome(number, "a@example.com") is Outcome.PENDING


@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.BACKFILL])
@pytest.mark.parametrize(
    ("mode", "untried", "rehearsed"),
    [
        (Mode.ON, Outcome.PENDING, Outcome.PENDING),
        (Mode.HOLD, Outcome.HELD, Outcome.HELD),
        (Mode.OFF, None, None),
        (Mode.DRY_RUN, None, Outcome.DRY_RUN),
    ],
)
def test_a_change_is_owed_as_the_flag_says_and_rehearsed_only_by_who_does_so_at_once(
    kind: Kind, mode: Mode, untried: Outcome | None, rehearsed: Outcome | None
) -> None:
    for tried, outcome in ((UNTRIED, untried), (REHEARSED, rehearsed)):
        new = opening(flags(mode), "crm", kind, WHOM, tried)
        assert (new and new.outcome) is outcome
        assert new is None or new.claimed is (outcome is Outcome.DRY_RUN)


@pytest.mark.parametrize(
    ("there", "mode", "outcome"),
    [
        (Outcome.RETRYING, Mode.OFF, Outcome.PENDING),
        (Outcome.RETRYING, Mode.DRY_RUN, Outcome.PENDING),
        (Outcome.HELD, Mode.OFF, None),
        (Outcome.HELD, Mode.DRY_RUN, Outcome.HELD),
        (Outcome.HELD, Mode.ON, Outcome.PENDING),
    ],
)
def test_what_is_open_already_is_raised_and_waits_for_its_flag(
    there: Outcome, mode: Mode, outcome: Outcome | None
) -> None:
    new = opening(flags(mode), "crm", Kind.UPDATE, replace(WHOM, waiting=waiting(there)), LIVE)
    assert (new and new.outcome) is outcome
    assert new is None or new.claimed is (mode is Mode.ON)


def test_an_open_delivery_goes_by_the_flags_of_its_own_kind() -> None:
    signing_up = replace(WHOM, waiting=waiting(Outcome.RETRYING, Kind.REGISTRATION))
    new = opening(flags(Mode.ON, updates=Mode.OFF), "crm", Kind.UPDATE, signing_up, LIVE)
    assert new is not None
    assert new.claimed


def test_of_a_change_the_stricter_of_two_flags_wins() -> None:
    assert opening(flags(Mode.ON, updates=Mode.OFF), "crm", Kind.UPDATE, WHOM) is None
    held = opening(flags(Mode.ON, updates=Mode.HOLD), "crm", Kind.UPDATE, WHOM)
    assert held is not None
    assert held.outcome is Outcome.HELD


def test_a_percentage_counts_only_until_the_channel_has_the_customer() -> None:
    nobody = flags(Mode.ON, percent=0)
    linked = opening(nobody, "crm", Kind.UPDATE, WHOM)
    new = opening(nobody, "crm", Kind.UPDATE, replace(WHOM, linked=False))
    assert linked is not None
    assert new is not None
    assert (linked.outcome, new.outcome) == (Outcome.PENDING, Outcome.HELD)


@pytest.mark.parametrize("mode", Mode)
def test_opting_out_goes_whatever_the_flag_says(mode: Mode) -> None:
    new = opening(flags(mode), "crm", Kind.UPDATE, replace(WHOM, opted_out=True), LIVE)
    assert new == NewDelivery("crm", Kind.UPDATE, Outcome.PENDING, claimed=True, urgent=True)


@pytest.mark.parametrize("mode", Mode)
def test_an_unproven_record_and_who_does_not_belong_there_are_owed_nothing(mode: Mode) -> None:
    for whom in (replace(WHOM, unproven=True), replace(WHOM, linked=False, belongs=False)):
        assert opening(flags(mode), "crm", Kind.UPDATE, whom, LIVE) is None


def test_where_nothing_differs_only_a_live_change_is_tried() -> None:
    same = replace(WHOM, differs=False)
    assert opening(flags(Mode.ON), "crm", Kind.UPDATE, same, REHEARSED) is None
    assert opening(flags(Mode.HOLD), "crm", Kind.UPDATE, same, LIVE) is None
    assert opening(flags(Mode.ON), "crm", Kind.UPDATE, same, LIVE) is not None


@pytest.mark.parametrize("mode", Mode)
def test_a_removal_asks_no_flag(mode: Mode) -> None:
    new = opening(flags(mode), "crm", Kind.REMOVAL, WHOM)
    assert new == removal("crm") == NewDelivery("crm", Kind.REMOVAL, Outcome.PENDING)


def test_a_change_and_a_removal_may_be_owed_later() -> None:
    later = opening(flags(Mode.ON), "crm", Kind.UPDATE, replace(WHOM, not_before=9.0))
    assert later == NewDelivery("crm", Kind.UPDATE, Outcome.PENDING, not_before=9.0)
    assert removal("crm", not_before=9.0) == replace(later, kind=Kind.REMOVAL)


def test_what_a_person_decides_is_a_registration_that_is_due() -> None:
    assert by_hand("smaregi") == NewDelivery("smaregi", Kind.REGISTRATION, Outcome.PENDING)


def test_what_a_person_sends_again_is_a_backfill_that_is_due() -> None:
    assert sent_again("crm") == NewDelivery("crm", Kind.BACKFILL, Outcome.PENDING)


def test_what_is_left_once_only_the_opting_out_was_sent() -> None:
    left = {mode: after_opting_out(mode) for mode in Mode}
    assert left == {
        Mode.ON: Outcome.DELIVERED,
        Mode.OFF: Outcome.DELIVERED,
        Mode.HOLD: Outcome.HELD,
        Mode.DRY_RUN: Outcome.DRY_RUN,
    }


def test_the_sets_of_outcomes_are_those_of_the_public_table() -> None:
    assert {"pending", "retrying", "failed", "held"} == OPEN
    assert {"delivered", "skipped", "dry_run", "discarded"} == SETTLED
    assert {"retrying", "failed", "held"} == REPLAYABLE
    assert {"pending", "retrying", "failed"} == PARTIAL
    assert {"pending", "retrying"} == AUTOMATIC
