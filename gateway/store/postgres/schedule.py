"""Which unit goes next: in the order in which they came, as far as no two meet."""

import asyncio
from collections.abc import Collection
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.store.engine import Unit

__all__ = ["Job", "next_of"]

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Job(Generic[T]):
    """A unit that waits for a lane, or runs. `keys` as of `Engine.write`; a unit that `reads`
    meets nobody.
    """

    unit: Unit[T]
    context: Context
    future: "asyncio.Future[T]"
    reads: bool = False
    keys: frozenset[int | bytes] | None = frozenset()


def next_of(waiting: Collection[Job[Any]], running: Collection[Job[Any]]) -> Job[Any] | None:
    """The first that meets none of those that run, nor one that came before it."""
    taken = _Taken()
    for job in running:
        taken.add(job)
    for job in waiting:
        if not taken.meets(job):
            return job
        taken.add(job)
    return None


class _Taken:
    def __init__(self) -> None:
        self._keys: set[int | bytes] = set()
        self._alone = False
        self._any = False

    def add(self, job: Job[Any]) -> None:
        if not job.reads:
            self._any = True
            self._alone = self._alone or job.keys is None
            self._keys |= job.keys or set()

    def meets(self, job: Job[Any]) -> bool:
        if job.reads:
            return False
        if job.keys is None:
            return self._any
        return self._alone or not self._keys.isdisjoint(job.keys)
