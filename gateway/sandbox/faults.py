"""Switches that make a stand-in misbehave: faults and delays.

The systems are `shopify`, `smaregi`, `crm` and `email`. The kinds of fault:

    refuse    connections are refused (ECONNREFUSED) until cleared; open ones are cut
    reset     the connection is reset (RST) before an answer
    hang      no answer until cleared (then it is answered) or the client goes away
    status    an answer of `status`, with `headers` and `body`
    garbage   200 with bytes that are not JSON
    half      the true answer, cut in the middle: Content-Length promises more than comes
    throttle  the system's own way of saying "too much": Shopify HTTP 200 with THROTTLED and
              real numbers, the others 429; `retry_after` in seconds is said where given
    drop      the request is APPLIED, then the connection closed without an answer
    late      the connection is closed without an answer now, the request APPLIED `delay`
              seconds later
    slow      the request is applied at once and answered after `delay` seconds

`applied` overrides whether the request takes effect where the kind leaves it open: `status`,
`garbage`, `reset` do not apply it unless told, `half` does unless told. Errors inside a 200 of
Shopify are `Fault(kind="status", status=200, body={"errors": [...]})`.

`match` is looked for in `METHOD /path`, in the path without its prefix (`POST /customers`), and
for Shopify in the names of the root fields and of the operation (`customerCreate`). Requests for
a token are met only by a fault whose `match` says `token`.

For email the match is `CONNECT`, `EHLO`, `AUTH`, `MAIL`, `RCPT`, `DATA`, or a recipient's address,
which is met at RCPT; `status` is an SMTP code. Without a match 535 is said at AUTH and everything
else happens at DATA.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

System = Literal["shopify", "smaregi", "crm", "email"]
SYSTEMS: tuple[str, ...] = get_args(System)

FaultKind = Literal[
    "refuse",
    "reset",
    "hang",
    "status",
    "garbage",
    "half",
    "throttle",
    "drop",
    "late",
    "slow",
]
KINDS: tuple[str, ...] = get_args(FaultKind)
_APPLIES = frozenset({"half", "drop", "late", "slow"})
_SETTLED = frozenset({"drop", "late", "slow"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One way of misbehaving; the kinds and the other fields are described above.

    `times` counts the requests that it meets (None: until cleared); `probability` is drawn from
    the sandbox's seeded random numbers for each request that matches. `delay` is in seconds.
    """

    kind: FaultKind
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    delay: float = 1.0
    times: int | None = None
    match: str | None = None
    probability: float = 1.0
    retry_after: float | None = None
    applied: bool | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault; one of {', '.join(KINDS)}")
        if self.kind == "refuse" and (self.times or self.match or self.probability < 1):
            raise ValueError("refuse lasts until cleared: no times, match or probability")
        if self.applied is not None and self.kind in _SETTLED:
            raise ValueError(f"{self.kind} always applies the request")
        if self.times is not None and self.times < 1:
            raise ValueError("times is 1 or more, or absent")
        if self.delay < 0 or not 0 <= self.probability <= 1:
            raise ValueError("delay is 0 or more, probability between 0 and 1")

    @property
    def applies(self) -> bool:
        return self.kind in _APPLIES if self.applied is None else self.applied


@dataclass(slots=True)
class Armed:
    """A fault that is set: how many requests it still meets, and an event for its end."""

    fault: Fault
    left: int | None
    cleared: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, labels: Sequence[str], unmatched: "Unmatched") -> bool:
        match = self.fault.match
        if self.fault.kind == "refuse" or self.left == 0:
            return False
        if match is None:
            return unmatched(self.fault)
        return any(match in label for label in labels)


Unmatched = Callable[[Fault], bool]


def _always(_fault: Fault) -> bool:
    return True


class Faults:
    """The faults of all systems. `set` adds to those of a system; the first that meets acts."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - draws misbehaviour, not secrets
        self._armed: dict[str, list[Armed]] = {system: [] for system in SYSTEMS}
        self._doors: dict[str, Callable[[bool], None]] = {}

    def watch(self, system: str, door: Callable[[bool], None]) -> None:
        """`door(True)` is called when connections are to be refused, `door(False)` when not."""
        self._doors[system] = door

    def set(self, system: str, *faults: Fault) -> None:
        """Adds faults to a system. ValueError for a system that does not exist."""
        _known(system)
        self._armed[system] += [Armed(fault, fault.times) for fault in faults]
        self._move_door(system)

    def clear(self, system: str | None = None) -> None:
        """Takes the faults away, of one system or of all; requests that hang are answered."""
        for name in SYSTEMS if system is None else (_known(system),):
            ended, self._armed[name] = self._armed[name], []
            for armed in ended:
                armed.cleared.set()
            self._move_door(name)

    def take(
        self, system: str, labels: Sequence[str], unmatched: Unmatched = _always
    ) -> Armed | None:
        """The fault that this request meets, counted down; None for a plain answer.

        `unmatched` says whether a fault that has no `match` meets it.
        """
        for armed in self._armed[system]:
            if not armed.meets(labels, unmatched):
                continue
            if armed.fault.probability < 1 and self._random.random() >= armed.fault.probability:
                continue
            if armed.left is not None:
                armed.left -= 1
            return armed
        return None

    def listing(self) -> dict[str, list[dict[str, Any]]]:
        """What is set, as JSON; `left` is how many requests it still meets."""
        return {
            system: [asdict(armed.fault) | {"left": armed.left} for armed in armed_faults]
            for system, armed_faults in self._armed.items()
        }

    def _move_door(self, system: str) -> None:
        if door := self._doors.get(system):
            door(any(armed.fault.kind == "refuse" for armed in self._armed[system]))


class Delays(MutableMapping[str, float]):
    """Seconds that each request of a system takes longer; requests for a token are excluded.

    `delays["shopify"] = 0.5` delays each request. `delays.total("smaregi", 0.8)` delays only the
    requests that write, so that one registration, which reads and then writes once, meets it once.
    For email either delays each message (at DATA).
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._total: set[str] = set()

    def __getitem__(self, system: str) -> float:
        return self._seconds[_known(system)]

    def __setitem__(self, system: str, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("a delay is 0 seconds or more")
        self._seconds[_known(system)] = seconds
        self._total.discard(system)

    def __delitem__(self, system: str) -> None:
        del self._seconds[_known(system)]
        self._total.discard(system)

    def __iter__(self) -> Iterator[str]:
        return iter(self._seconds)

    def __len__(self) -> int:
        return len(self._seconds)

    def total(self, system: str, seconds: float) -> None:
        self[system] = seconds
        self._total.add(system)

    def of(self, system: str, kind: str) -> float:
        """Seconds that a request of `kind` (read, write, token) waits."""
        if kind == "token" or (system in self._total and kind != "write"):
            return 0.0
        return self._seconds.get(system, 0.0)

    def listing(self) -> dict[str, dict[str, Any]]:
        return {
            system: {"seconds": seconds, "mode": "total" if system in self._total else "each"}
            for system, seconds in self._seconds.items()
        }


def _known(system: str) -> str:
    if system not in SYSTEMS:
        raise ValueError(f"unknown system; one of {', '.join(SYSTEMS)}")
    return system
