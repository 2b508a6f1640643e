"""What a channel is. To add one: a new room here, and a line in the roster.

README.md in this folder says how.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from gateway import frozen
from gateway.channels.last_sent import LastSent
from gateway.customer import Customer
from gateway.outcomes import Identity, Kind, Link, Match
from gateway.settings import Section
from gateway.store import Engine, Keys
from gateway.wire import Wire

__all__ = ["Channel", "Check", "Context", "Done", "Pos", "Spec", "Work"]


async def _nothing(_: Mapping[str, str]) -> None:
    return


async def _unknown() -> str:
    return ""


@frozen
class Work:
    """Bring this channel up to date with this customer.

    `customer`   as Shopify has just answered
    `link`       the channel's record of the customer, if one is known
    `fresh`      the customer was created a moment ago and nobody tried this before
    `plan`       what an earlier attempt wrote down before its write (ids and numbers only)
    `save_plan`  writes it down, durably, before the write
    `number`     reads the member number that a till knows the customer by; '' if it is not known
    `fields`     what `fields_of` says of the customer
    `last_sent`  what the record was last sent
    `announce`   writes down, durably, which fields are about to be sent to an existing record
    `retried`    an earlier attempt may have created the record
    `only`       the one field that may be sent now, if the flags keep the others back
    """

    customer: Customer
    kind: Kind
    link: Link | None
    fresh: bool
    plan: Mapping[str, Any] | None
    save_plan: Callable[[dict[str, Any]], Awaitable[None]]
    number: Callable[[], Awaitable[str]] = _unknown
    fields: Callable[[], Mapping[str, str]] = dict
    last_sent: LastSent = LastSent(None, dict)
    announce: Callable[[Mapping[str, str]], Awaitable[None]] = _nothing
    retried: bool = False
    only: str | None = None

    @property
    def recreate(self) -> bool:
        """Whether to create the record again if the linked one is gone: a person asked for that."""
        return bool((self.plan or {}).get("recreate"))

    def changes(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Those of `fields` that have to be sent to the linked record now; '' clears."""
        changes = self.last_sent.changes(fields)
        if self.only is None:
            return changes
        return {name: value for name, value in changes.items() if name == self.only}


@frozen
class Done:
    """The channel has the customer. `adjustments`: `{field, change}`, never the value.

    `fields` is what a record of this customer should hold, `sent` what this attempt has sent (''
    for a cleared field): both are hashed at once and never stored as they are. `old_number`,
    `old_place`: the number that a linked record had before, and the field that keeps it; None if
    this attempt does not know them. `match`: how the record was found or created, if that was just
    now. `in_record`: what the record holds that differs from `fields`, if the whole record is
    known;
    `kept`: fields that could not be cleared. `unproven`: as `Link.unproven`. `instead_of`: a
    customer who is gone from Shopify and had this record before: a record belongs to one customer.
    """

    action: str
    reference: str
    member_number: str | None = None
    adjustments: Sequence[dict[str, str]] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    in_record: Mapping[str, str] | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    old_number: str | None = None
    old_place: str | None = None
    match: Match | None = None
    unproven: bytes | None = None
    instead_of: int | None = None


@frozen
class Check:
    """One line of `check`: what was proven, or what to correct. `warns`: it works, but look."""

    name: str
    ok: bool
    detail: str
    warns: bool = False


class Channel(Protocol):
    """Everything that differs by vendor, and nothing else: no retries, no outcomes, no SQL.

    `deliver` may be called again for the same customer after any failure, at any time: it first
    looks for what an earlier attempt did. A linked record is given `work.changes(fields)` and no
    more, and nothing at all where that is empty. Raises UpstreamError (DryRunStop from the wire).
    `remove` takes the record of a customer who is gone away; it too may be called again.
    `record_of` is the reference of a record that bears this customer's number, which only a gateway
    gives it, whether or not we know of it.
    `fields_of` is pure: the fields of a record that the customer decides, without blank ones.
    `takes`: whether the channel can have such a customer at all; the others are not sent there, and
    of a sign-up, which has a delivery for every channel, theirs is `failed`.
    `consent`: the field that says whether the customer wants mail, '' where there is none.
    """

    consent: str

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def deliver(self, work: Work) -> Done: ...

    async def remove(self, link: Link) -> Done: ...

    async def record_of(self, customer_id: int) -> str | None: ...

    def fields_of(self, customer: Customer) -> Mapping[str, str]: ...

    def takes(self, customer: Customer) -> bool: ...

    async def check(self) -> Sequence[Check]: ...


class Pos(Channel, Protocol):
    """The channel whose member number is the one that tills know."""

    @property
    def numbers_by_rule(self) -> bool:
        """Whether the Shopify customer id is everybody's member number, as things are set now."""
        ...

    def foresee_sign_up(self) -> None:
        """A sign-up begins, and what it is delivered by in this context follows: what that will
        read may be read now, beside Shopify. Raises nothing, and waits for nothing.
        """
        ...


@frozen
class Context:
    """What a channel may use. Call `settings()` each time, so that a reload takes effect.

    `timeout()` is in seconds.
    `customer_exists(id)` asks Shopify. Call `ready()` once what attempts waited for exists.
    """

    wire: Wire
    db: Engine
    keys: Keys
    settings: Callable[[], Section]
    store: Callable[[], "Shop"]
    timeout: Callable[[], float]
    clock: Callable[[], float]
    customer_exists: Callable[[int], Awaitable[bool]]
    ready: Callable[[], Awaitable[None]]


@frozen
class Shop:
    """The shop, as mails name it: its sign-in page, and its Shopify domain."""

    url: str
    domain: str


@frozen
class Spec:
    """A line of the roster: from it follow the flag, the settings, `--channel` and the metrics.

    `at_once`: backlog attempts at the same time, at most; more would only wait inside the channel.
    `max_age`: seconds after which a delivery is `too_late`. `updates`: whether there is a record
    that follows the customer, so that profile changes, newcomers and removals go there too.
    `account`: what its side is called; `identify` asks which it is (None where it does not say;
    UpstreamError where it cannot be asked now), `moved` forgets what was remembered of another one,
    and `forgets` says in words what that is.
    """

    name: str
    title: str
    settings: type[Section]
    build: Callable[[Context], Channel]
    max_age: Callable[[Section], float | None] = lambda section: None
    at_once: int = 64
    updates: bool = True
    account: str = ""
    identify: Callable[[Any, Context], Awaitable[Identity | None]] | None = None
    moved: Callable[[Any], Awaitable[None]] | None = None
    forgets: str = ""
