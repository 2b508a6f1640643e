"""How many connections there may be, and which go when there are too many.

Whoever connects has proven nothing. Descriptors are reserved for upstreams and the database, so
that many callers never stop the gateway's own work. If all connections are taken, silent ones make
room: first those that never sent a whole head, then those that rest between two requests, the
longest silent first. Only if all are busy is a new one refused.

Behind a reverse proxy every connection has one address. So private addresses have no share of
their own; a public address that has used up its share first loses its own silent connections.
"""

import ipaddress
import logging
import resource
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from gateway import frozen

__all__ = ["Connections", "Limits", "is_public", "raise_descriptors"]

log = logging.getLogger("gateway.http")

_MOST = 2048
_KEPT_BACK = 400
"""Descriptors for upstreams (200 connections), mail, the database, commands and the log."""
_WANTED = 65_536


@lru_cache(maxsize=256)
def is_public(address: str) -> bool:
    """Whether it is neither this machine nor a private network, where a proxy would be."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def raise_descriptors() -> None:
    """The soft limit of descriptors rises to the hard one, as far as we can use it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft != resource.RLIM_INFINITY and soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (OSError, ValueError) as error:  # macOS has a second, smaller limit
            log.warning("the limit of open files stays %d: %s", soft, error)


@frozen
class Limits:
    """Most connections in all, and of one address if `has_share` says that it has a share."""

    in_all: int
    of_one: int
    has_share: Callable[[str], bool] = is_public

    @classmethod
    def of_this_process(cls) -> "Limits":
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = _MOST if soft == resource.RLIM_INFINITY else soft - _KEPT_BACK
        in_all = max(32, min(_MOST, free))
        return cls(in_all, in_all // 4)


class Guest(Protocol):
    """A connection."""

    def may_go(self) -> bool:
        """Whether no request is running on it."""
        ...

    def leave(self) -> None: ...


class Connections:
    """`ended(reason)` counts. The order within each dict is the order of time."""

    def __init__(
        self,
        limits: Limits,
        ended: Callable[[str], None],
        opened: Callable[[int], None] = lambda number: None,
    ) -> None:
        self._limits = limits
        self._ended = ended
        self._opened = opened
        self._all: dict[Guest, str] = {}
        self._of: Counter[str] = Counter()
        self._silent: dict[Guest, None] = {}
        self._resting: dict[Guest, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, guest: Guest, address: str) -> bool:
        limits = self._limits
        full = len(self._all) >= limits.in_all and not self._make_room()
        shared = limits.has_share(address) and self._of[address] >= limits.of_one
        if full or (shared and not self._make_room(address)):
            self.end("refused")
            return False
        self._all[guest] = address
        self._of[address] += 1
        self._silent[guest] = None
        self._opened(len(self._all))
        return True

    def speaks(self, guest: Guest) -> None:
        """The whole head of a request has arrived."""
        self._silent.pop(guest, None)
        self._resting.pop(guest, None)

    def rests(self, guest: Guest) -> None:
        """A request was answered."""
        if guest in self._all:
            self._resting[guest] = None

    def gone(self, guest: Guest) -> None:
        address = self._all.pop(guest, None)
        if address is None:
            return
        self._silent.pop(guest, None)
        self._resting.pop(guest, None)
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]
        self._opened(len(self._all))

    def _make_room(self, address: str | None = None) -> bool:
        """Whether a silent one, of this address if it is given, could be sent away."""
        for silent in (self._silent, self._resting):
            for guest in silent:
                if address in {None, self._all[guest]} and guest.may_go():
                    self.gone(guest)
                    guest.leave()
                    self.end("replaced")
                    return True
        return False

    def end(self, reason: str) -> None:
        """Counts and logs each time; the log sums up equal lines (`telemetry/repeats.py`)."""
        self._ended(reason)
        log.warning("connections: %s", _TEXTS[reason])


_TEXTS = {
    "refused": "a new one was refused: the limit is reached, and all are busy",
    "replaced": "a silent one was closed for a new one: the limit is reached",
    "slow_head": "one was closed that did not send a whole head in time",
    "large_head": "one was closed whose head was too large",
    "unread": "one was closed that did not take its answer",
}
