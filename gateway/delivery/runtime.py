"""What every part is handed: the policy that may change, the listener, and the background for work
that goes on.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from typing import Protocol

from flags import FlagSet, Mode
from gateway import frozen
from gateway.alerts import Alert
from gateway.background import Background
from gateway.delivery.ended import SettledAttempt
from gateway.delivery.spans import NO_SPANS, Spans
from gateway.errors import ErrorClass, UpstreamError

__all__ = ["Listener", "Live", "Policy", "Runtime", "Wakes"]


@frozen
class Policy:
    """What an edit of `.env` may change while the program runs; times in seconds.

    `schedule`: before each further try. `timeout`: of one call to an upstream. `deadline`: from a
    request to its answer. `waiting_limit`: registrations answered 202 that may wait.
    """

    flags: FlagSet
    schedule: Sequence[float]
    timeout: float
    deadline: float
    retention_days: float
    waiting_limit: int
    auto_replay: bool
    sync_newcomers: bool
    sync_pos: bool

    def uses(self, channel: str) -> bool:
        return self.flags[channel].mode is not Mode.OFF


class Live(Protocol):
    """The policy as it is now, and wall time (Unix seconds)."""

    @property
    def policy(self) -> Policy: ...

    def clock(self) -> float: ...


class Listener(Protocol):
    """Who is told of what happened: the numbers, the administrators, and whoever waits for it."""

    def attempt_ended(self, ended: SettledAttempt) -> None: ...

    def together(self) -> AbstractContextManager[object]:
        """Around what is told of attempts that ended together."""

    def delivery_due(self, channel: str | None = None) -> None:
        """There may be something for the worker, of one channel or of any."""

    def shopify_answered(self, error: UpstreamError | None, *, live: bool = True) -> None:
        """How a call to Shopify ended; `live`: a caller waited for it."""

    def intent_gone(self) -> None:
        """An intent was deleted: its bytes are to be wiped from the database's files."""

    def registration_unclear(self) -> None:
        """A registration is unclear: Shopify has to be asked until it is known."""

    def registration_deferred(self) -> None:
        """A registration waits to be taken to Shopify."""

    def failed(self, area: str, error_class: ErrorClass, text: str) -> None:
        """Something that a person has to know of."""

    def worked(self, area: str) -> None: ...

    def notice(self, alert: Alert) -> None:
        """Something for administrators that is no failure."""

    def pos_changed(self, result: str, fields: int) -> None:
        """Fields that were changed at the till: taken, lost or refused."""

    def points_read(self, result: str) -> None: ...

    def points_moved(self, points: int) -> None:
        """Points of the online shop that have reached a member, or, below 0, were taken."""

    def reconciled(self, found: Mapping[str, int], at: float) -> None:
        """What a whole pass over both systems found, and when (Unix seconds) it ended."""

    def event_ended(self, source: str, topic: str, result: str) -> None: ...


@frozen
class Wakes:
    """The events that wake each channel's worker and the other background work."""

    channels: dict[str, asyncio.Event]
    unclear: asyncio.Event = field(default_factory=asyncio.Event)
    deferred: asyncio.Event = field(default_factory=asyncio.Event)
    journal: asyncio.Event = field(default_factory=asyncio.Event)
    reconciliation: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, channels: Iterable[str]) -> "Wakes":
        return cls({name: asyncio.Event() for name in channels})

    def worker(self, channel: str | None = None) -> None:
        for name, event in self.channels.items():
            if channel in {None, name}:
                event.set()


@frozen
class Runtime:
    """Handed to every part."""

    live: Live
    listener: Listener
    background: Background
    spans: Spans = NO_SPANS

    @property
    def policy(self) -> Policy:
        return self.live.policy

    @property
    def flags(self) -> FlagSet:
        return self.live.policy.flags

    def clock(self) -> float:
        """Wall time, Unix seconds."""
        return self.live.clock()
