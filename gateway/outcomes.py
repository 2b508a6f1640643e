"""Deliveries: where one stands, why it exists, and the rows of the database that say so."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any, assert_never

from gateway import frozen
from gateway.errors import ErrorClass

__all__ = [
    "AUTOMATIC",
    "OPEN",
    "PARTIAL",
    "REPLAYABLE",
    "SETTLED",
    "Delivery",
    "DeliveryFilter",
    "Identity",
    "Kind",
    "Link",
    "Match",
    "NewDelivery",
    "Outcome",
    "Sort",
    "Waiting",
    "shown_number",
]


class Outcome(StrEnum):
    DELIVERED = "delivered"  # the channel has the customer
    PENDING = "pending"  # being tried right now, or not yet tried
    RETRYING = "retrying"  # failed for a passing reason; tried again at next_attempt_at
    FAILED = "failed"  # needs a person, or the retries are used up
    HELD = "held"  # the flag keeps it for later
    SKIPPED = "skipped"  # the flag is off: remembered for backfill
    DRY_RUN = "dry_run"  # everything done but the write
    DISCARDED = "discarded"  # given up by a person, or the customer is gone from Shopify

    @property
    def is_open(self) -> bool:
        return self in OPEN


@frozen
class _Traits:
    """What follows from an outcome.

    `open`: a customer has at most one such delivery in a channel, and a change raises it.
    `automatic`: the worker tries it when its time has come. `replayable`: a person's replay takes
    it. `partial`: a registration with such a delivery is not `complete`.
    """

    open: bool = False
    automatic: bool = False
    replayable: bool = False
    partial: bool = False


def _traits(outcome: Outcome) -> _Traits:
    match outcome:
        case Outcome.DELIVERED:
            return _Traits()
        case Outcome.PENDING:
            return _Traits(open=True, automatic=True, partial=True)
        case Outcome.RETRYING:
            return _Traits(open=True, automatic=True, replayable=True, partial=True)
        case Outcome.FAILED:
            return _Traits(open=True, replayable=True, partial=True)
        case Outcome.HELD:
            return _Traits(open=True, replayable=True)
        case Outcome.SKIPPED | Outcome.DRY_RUN | Outcome.DISCARDED:
            return _Traits()
    assert_never(outcome)


OPEN = frozenset(each for each in Outcome if _traits(each).open)
SETTLED = frozenset(Outcome) - OPEN
AUTOMATIC = frozenset(each for each in Outcome if _traits(each).automatic)
REPLAYABLE = frozenset(each for each in Outcome if _traits(each).replayable)
PARTIAL = frozenset(each for each in Outcome if _traits(each).partial)


class Kind(StrEnum):
    REGISTRATION = "registration"
    UPDATE = "update"
    BACKFILL = "backfill"
    REMOVAL = "removal"

    @property
    def removes(self) -> bool:
        """The record is taken away: no customer is read, and no flag is asked."""
        match self:
            case Kind.REMOVAL:
                return True
            case Kind.REGISTRATION | Kind.UPDATE | Kind.BACKFILL:
                return False
        assert_never(self)

    @property
    def changes(self) -> bool:
        """A profile change: FLAG_UPDATES counts as well, and no percentage once it is linked."""
        match self:
            case Kind.UPDATE:
                return True
            case Kind.REGISTRATION | Kind.BACKFILL | Kind.REMOVAL:
                return False
        assert_never(self)

    @property
    def ages(self) -> bool:
        """It may come too late to be of use: a welcome."""
        match self:
            case Kind.REGISTRATION:
                return True
            case Kind.UPDATE | Kind.BACKFILL | Kind.REMOVAL:
                return False
        assert_never(self)


class Sort(StrEnum):
    """The order of a listing; what is equal in it goes by id."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NEXT = "next"  # the next try first
    TRIES = "tries"  # the most tries first


class Waiting(StrEnum):
    """What a `retrying` delivery waits for, besides its time: it goes as soon as that is over."""

    CHANNEL = "channel"  # the channel's circuit is open, or its credentials are refused
    SHOPIFY = "shopify"  # the customer could not be read
    INDEX = "index"  # the first scan of members still runs


@frozen
class NewDelivery:
    """A delivery to be written into the outbox; `claimed` if the first try follows at once.

    `not_before`: Unix seconds before which the worker does not take it. `urgent`: the customer
    opted out of mail, which goes on whatever the flags say.
    """

    channel: str
    kind: Kind
    outcome: Outcome
    claimed: bool = False
    not_before: float | None = None
    urgent: bool = False


@frozen
class Delivery:
    """A row of the outbox. Times are Unix seconds.

    `content_hash`: a keyed hash of what the last attempt that failed tried to send. `reason`: the
    words of the upstream that refused, without values. `request_id`: the newest request that it is
    made for; None where nobody asked.
    """

    id: int
    registration_id: str | None
    customer_id: int
    channel: str
    kind: Kind
    outcome: Outcome
    error_class: ErrorClass | None
    message: str | None
    attempts: int
    version: int
    claimed_version: int | None
    waiting: Waiting | None
    plan: Mapping[str, Any] | None
    action: str | None
    reference: str | None
    adjustments: tuple[Mapping[str, str], ...]
    created_at: float
    updated_at: float
    next_attempt_at: float | None
    urgent: bool = False
    content_hash: str | None = None
    reason: str | None = None
    request_id: str | None = None


@frozen
class DeliveryFilter:
    """Which deliveries: every given part must hold. `since`/`until` are of `created_at`.

    `reason`: the upstream's own; '' is of those without one.
    """

    channels: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    error_classes: tuple[ErrorClass, ...] = ()
    ids: tuple[int, ...] = ()
    since: float | None = None
    until: float | None = None
    customer_id: int | None = None
    registration_id: str | None = None
    kinds: tuple[Kind, ...] = ()
    reason: str | None = None

    @property
    def names_too_late(self) -> bool:
        """Whether a person named these, so that mails are sent although they are too late."""
        return bool(self.ids) or ErrorClass.TOO_LATE in self.error_classes


@frozen
class Match:
    """How a channel's record was found or made for a customer.

    `others`: ids of records that may be this person's too; `merged`: since the customers of both
    became one. `signup_evidence`: keyed hashes of what the customer said, by the column of the
    member index, because the record may lack it.
    """

    others: tuple[int, ...] = ()
    signup_evidence: Mapping[str, bytes | None] | None = None
    merged: bool = False


@frozen
class Link:
    """Which record of `channel` is which customer; `member_number` where the channel has one.

    `fingerprints`: of what the record was last given (`channels.last_sent`); None: unknown.
    `old_number` is what the record had before it was linked, `old_place` the field that keeps it.
    `unproven`: the record was there before and was linked by an e-mail, of this keyed hash, that is
    not known to be the customer's: until it is, the record gives nothing away and takes nothing on.
    """

    channel: str
    customer_id: int
    reference: str
    member_number: str | None = None
    fingerprints: Mapping[str, str] | None = field(default=None, hash=False)
    old_number: str | None = None
    old_place: str | None = None
    unproven: bytes | None = None

    @property
    def shown_number(self) -> str | None:
        """The member number, if the customer may know it."""
        return shown_number(self.customer_id, self.member_number, self.unproven)


def shown_number(customer_id: int, number: str | None, unproven: bytes | None) -> str | None:
    """The number, if the customer may know it: a card's number is not for a stranger who merely
    knows the card owner's e-mail.
    """
    return number if unproven is None or number == str(customer_id) else None


@frozen
class Identity:
    """Who a system is: the shop, contract or account by its `id`, which names no person.

    `place`: its environment, '' if that cannot be known. `label`: a name to show beside the id.
    """

    id: str
    place: str = ""
    label: str = ""

    def differs(self, other: "Identity") -> bool:
        """What one side does not know is no difference."""
        elsewhere = self.place and other.place and self.place != other.place
        return self.id != other.id or bool(elsewhere)

    def __str__(self) -> str:
        return " ".join(part for part in (self.id, self.place, self.label) if part)
