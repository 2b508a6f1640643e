"""What a channel is. A new one is one new room here and one line in the roster (`__init__`)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.customer import Customer
from gateway.outcomes import Kind, Link, Match
from gateway.settings import Section
from gateway.store import Database, Keys
from gateway.wire import Wire

__all__ = ["Channel", "Check", "Context", "Done", "Spec", "Work"]


@dataclass(frozen=True, slots=True)
class Work:
    """Bring this channel up to date with this customer.

    `customer`   as Shopify has just answered
    `link`       the channel's record of the customer, where one is known
    `fresh`      the customer was created a moment ago and nobody tried this before
    `plan`       what an earlier attempt wrote down before its write (ids and numbers only)
    `save_plan`  writes it down, durably, before the write
    `number`     the member number that a till knows the customer by; '' where it is not known
    """

    customer: Customer
    kind: Kind
    link: Link | None
    fresh: bool
    email_verified: bool
    plan: Mapping[str, Any] | None
    save_plan: Callable[[dict[str, Any]], Awaitable[None]]
    number: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The channel has the customer. `adjustments`: `{field, change}`, never the value.

    `old_number`, `old_place`: the number that a linked record had before, and the field that keeps
    it; None where this attempt does not know them.
    `match` where the record was found or made just now.
    """

    action: str
    reference: str
    member_number: str | None = None
    adjustments: Sequence[dict[str, str]] = field(default_factory=tuple)
    old_number: str | None = None
    old_place: str | None = None
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `check`: what was proven, or how to mend it."""

    name: str
    ok: bool
    detail: str


class Channel(Protocol):
    """All that differs by vendor, and nothing else: no retries, no outcomes, no SQL.

    `deliver` may be called again for the same customer after any failure, at any time: it first
    looks for what an earlier attempt did. Raises UpstreamError (or DryRunStop from the wire).
    """

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def deliver(self, work: Work) -> Done: ...

    async def check(self) -> Sequence[Check]: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a channel may use; `settings()` is asked each time, so that a reload takes effect.

    `timeout()` is in seconds.
    `customer_exists(id)` asks Shopify. `ready()` is called when what attempts waited for is there.
    """

    wire: Wire
    db: Database
    keys: Keys
    settings: Callable[[], Section]
    store: Callable[[], "Store"]
    timeout: Callable[[], float]
    clock: Callable[[], float]
    customer_exists: Callable[[int], Awaitable[bool]]
    ready: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Store:
    """The shop, as mails name it: its sign-in page, and its Shopify domain."""

    url: str
    domain: str


@dataclass(frozen=True, slots=True)
class Spec:
    """A line of the roster: from it follow the flag, the settings, `--channel` and the metrics.

    `at_once`: backlog attempts at the same time, at most; more would only wait inside the channel.
    `max_age`: seconds after which a delivery is `too_late`. `numbers_members`: the member number
    of its link is the one that tills know; `number_is_customer_id`: whether that is the Shopify
    id for everybody, so that it is known beforehand.
    """

    name: str
    title: str
    settings: type[Section]
    build: Callable[[Context], Channel]
    max_age: Callable[[Section], float | None] = lambda section: None
    numbers_members: bool = False
    at_once: int = 64
    number_is_customer_id: Callable[[Section], bool] = lambda section: False
