"""Every request that reached a stand-in, and whether it took effect: the judge of the tests."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, overload

from gateway.sandbox.call import Kind


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One request.

    `time` is when it was settled (Unix seconds), `seconds` how long that took since it came in.
    `status` is the HTTP or SMTP status that was sent, 0 where no answer was sent; `applied` says
    that it changed what the system holds; `target` is the id of the record (a Shopify gid, a
    Smaregi or HubSpot id, a Message-ID); `fault` is the kind of the fault that it met.
    """

    time: float
    seconds: float
    system: str
    operation: str
    kind: Kind
    status: int
    applied: bool
    target: str | None
    fault: str | None = None


class Asked(NamedTuple):
    """What was asked of a system once or more often; `names` as in a `Description`."""

    system: str
    operation: str
    names: frozenset[str]


class Journal:
    """One entry a request, in the order in which they were settled.

    An entry is added in the same step that applies the request, before its answer is sent: what
    a system holds and what its journal says never differ. A request that hangs or is applied
    late is added when that happens. The oldest go beyond `limit`; `dropped` counts them. `asked`
    holds each kind of request that ever came in, whatever became of it, and is never cleared.
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=limit)
        self._limit = limit
        self.dropped = 0
        self.asked: set[Asked] = set()

    def add(self, entry: JournalEntry) -> None:
        self.dropped += len(self._entries) == self._limit
        self._entries.append(entry)

    def clear(self) -> None:
        self._entries.clear()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(self._entries)

    @overload
    def __getitem__(self, index: int) -> JournalEntry: ...

    @overload
    def __getitem__(self, index: slice) -> list[JournalEntry]: ...

    def __getitem__(self, index: int | slice) -> JournalEntry | list[JournalEntry]:
        if isinstance(index, slice):
            return list(self._entries)[index]
        return self._entries[index]

    def of(self, system: str | None = None, operation: str | None = None) -> list[JournalEntry]:
        """The entries of a system (all without one) whose operation contains `operation`."""
        return [
            entry
            for entry in self._entries
            if (system is None or entry.system == system)
            and (operation is None or operation in entry.operation)
        ]

    def writes(self, system: str | None = None) -> list[JournalEntry]:
        """Every request that asked for a change, whether or not it took effect."""
        return [entry for entry in self.of(system) if entry.kind == "write"]

    def reads(self, system: str | None = None) -> list[JournalEntry]:
        """Every request that only reads; those for a token are neither read nor write."""
        return [entry for entry in self.of(system) if entry.kind == "read"]

    def applied(self, system: str | None = None) -> list[JournalEntry]:
        """Every request that changed what the system holds."""
        return [entry for entry in self.of(system) if entry.applied]

    def counts(self) -> dict[str, dict[str, int]]:
        """For each system that was asked: `reads`, `writes`, `applied`, `tokens`."""
        counts: dict[str, dict[str, int]] = {}
        for entry in self._entries:
            mine = counts.setdefault(
                entry.system, {"reads": 0, "writes": 0, "applied": 0, "tokens": 0}
            )
            mine[f"{entry.kind}s"] += 1
            mine["applied"] += entry.applied
        return counts
