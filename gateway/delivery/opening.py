"""What a channel is owed: the one place that decides which delivery is opened. Pure.

A sign-up is owed to every channel, and what its flag says is remembered. A change is owed where the
channel has the customer, or is about to; off opens nothing, but the opting out of mail goes
whatever the flags say. Taking a record away asks no flag.
"""

from functools import lru_cache
from typing import assert_never

from flags import FlagSet, Mode
from gateway import frozen
from gateway.delivery.flag_policy import decide
from gateway.outcomes import Delivery, Kind, NewDelivery, Outcome

__all__ = [
    "LIVE",
    "REHEARSED",
    "UNTRIED",
    "Owed",
    "after_opting_out",
    "by_hand",
    "opening",
    "removal",
    "sent_again",
    "signed_up",
]

UNTRIED = frozenset[Outcome]()
"""The caller tries none: the worker does."""
REHEARSED = frozenset({Outcome.DRY_RUN})
"""The caller makes only dry runs at once; the worker sends the rest."""
LIVE = frozenset({Outcome.PENDING, Outcome.DRY_RUN})
"""The caller tries all at once."""


@frozen
class Owed:
    """What is known of one customer and one channel.

    `email`: for an allow-list; None where it is not at hand. `linked`: they have a record there,
    `unproven`: which is not known to be theirs. `waiting`: the delivery that is open. `belongs`:
    whether who has no record there is to get one. `differs`: whether the record lacks anything.
    `opted_out`: of mail, which the record does not say yet. `not_before`: Unix seconds before which
    the worker leaves it alone.
    """

    customer_id: int
    email: str | None = None
    linked: bool = False
    unproven: bool = False
    waiting: Delivery | None = None
    belongs: bool = True
    differs: bool = True
    opted_out: bool = False
    not_before: float | None = None


def opening(
    flags: FlagSet, channel: str, kind: Kind, owed: Owed, tried: frozenset[Outcome] = UNTRIED
) -> NewDelivery | None:
    """The delivery to open, None where nothing is owed. `tried`: outcomes tried by the caller."""
    match kind:
        case Kind.REGISTRATION:
            return signed_up(flags, channel, owed.customer_id, owed.email, tried)
        case Kind.UPDATE | Kind.BACKFILL:
            return _of_change(flags, channel, kind, owed, tried)
        case Kind.REMOVAL:
            return removal(channel)
    assert_never(kind)


def signed_up(
    flags: FlagSet, channel: str, customer_id: int, email: str | None, tried: frozenset[Outcome]
) -> NewDelivery:
    """A sign-up is owed to every channel."""
    return _signed_up(channel, flags[channel].decide(customer_id, email).mode, tried)


@lru_cache(maxsize=64)  # of a few channels, modes and callers
def _signed_up(channel: str, mode: Mode, tried: frozenset[Outcome]) -> NewDelivery:
    outcome = _of_sign_up(mode)
    return NewDelivery(channel, Kind.REGISTRATION, outcome, outcome in tried)


def removal(channel: str, *, not_before: float | None = None) -> NewDelivery:
    """A record is to be removed, whatever the flags say."""
    return NewDelivery(channel, Kind.REMOVAL, Outcome.PENDING, not_before=not_before)


def sent_again(channel: str) -> NewDelivery:
    """A person orders a delivery that a customer has had, or should have; the flag was asked
    before.
    """
    return NewDelivery(channel, Kind.BACKFILL, Outcome.PENDING)


def by_hand(channel: str) -> NewDelivery:
    """A person has decided; the flag was asked before."""
    return NewDelivery(channel, Kind.REGISTRATION, Outcome.PENDING)


def _of_sign_up(mode: Mode) -> Outcome:
    match mode:
        case Mode.ON:
            return Outcome.PENDING
        case Mode.HOLD:
            return Outcome.HELD
        case Mode.OFF:
            return Outcome.SKIPPED
        case Mode.DRY_RUN:
            return Outcome.DRY_RUN
    assert_never(mode)


def _of_change(
    flags: FlagSet, channel: str, kind: Kind, owed: Owed, tried: frozenset[Outcome]
) -> NewDelivery | None:
    """An unproven record accepts no change. For an open delivery its own kind's flags count."""
    linked, waiting = owed.linked, owed.waiting
    if owed.unproven or not (linked or owed.belongs):
        return None
    asked = kind if waiting is None else waiting.kind
    mode = decide(flags, channel, owed.customer_id, asked, owed.email, linked=linked).mode
    goes = mode is Mode.ON or owed.opted_out
    live = Outcome.PENDING in tried
    if not owed.differs and not (live and mode is Mode.ON):
        return None
    outcome = Outcome.PENDING if goes else _kept_back(mode, waiting)
    if outcome is None or (outcome is Outcome.DRY_RUN and outcome not in tried):
        return None
    claimed = outcome is Outcome.DRY_RUN or (goes and live)
    return NewDelivery(channel, kind, outcome, claimed, owed.not_before, owed.opted_out)


def _kept_back(mode: Mode, waiting: Delivery | None) -> Outcome | None:
    """For a change whose flags are not `on`; those of an open delivery are asked again later."""
    held = waiting is not None and waiting.outcome is Outcome.HELD
    match mode:
        case Mode.ON:
            return Outcome.PENDING
        case Mode.HOLD:
            return Outcome.HELD
        case Mode.OFF:
            return Outcome.PENDING if waiting is not None and not held else None
        case Mode.DRY_RUN:
            if waiting is None:
                return Outcome.DRY_RUN
            return Outcome.HELD if held else Outcome.PENDING
    assert_never(mode)


def after_opting_out(mode: Mode) -> Outcome:
    """For a delivery of which only the opt-out was sent: `mode` keeps back the rest."""
    match mode:
        case Mode.ON | Mode.OFF:
            return Outcome.DELIVERED
        case Mode.HOLD:
            return Outcome.HELD
        case Mode.DRY_RUN:
            return Outcome.DRY_RUN
    assert_never(mode)
