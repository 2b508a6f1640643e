"""What takes longer than a request, done in the background and followed by a page."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from gateway.app import Core
from gateway.delivery import ReplayOptions
from gateway.errors import StorageError
from gateway.outcomes import DeliveryFilter

__all__ = ["Job", "Jobs", "discarding", "replaying"]

_KEPT = 50
"""Jobs that are remembered; the oldest that has ended goes."""


@dataclass(slots=True)
class Job:
    """`total`: deliveries it was begun for. `counts`: what became of them, by outcome or result.

    `state`: running, done, cancelled or broken.
    """

    id: str
    kind: str
    actor: str
    total: int
    began: float
    stop: asyncio.Event
    counts: Counter[str] = field(default_factory=Counter)
    state: str = "running"
    ended: float | None = None

    @property
    def done(self) -> int:
        return self.counts.total()

    @property
    def is_running(self) -> bool:
        return self.state == "running"

    def cancel(self) -> None:
        self.stop.set()


Work = Callable[[asyncio.Event], AsyncIterator[tuple[str, int]]]
"""Yields what became of some deliveries, and of how many."""


class Jobs:
    """`keep` sees to it that a task ends before the database is closed. `clock`: Unix seconds."""

    def __init__(
        self, keep: Callable[[Coroutine[Any, Any, None]], object], clock: Callable[[], float]
    ) -> None:
        self._keep = keep
        self._clock = clock
        self._all: dict[str, Job] = {}

    def get(self, job_id: str) -> Job | None:
        return self._all.get(job_id)

    def running(self) -> list[Job]:
        return [job for job in self._all.values() if job.is_running]

    def begin(self, kind: str, actor: str, total: int, work: Work) -> Job:
        job = Job(secrets.token_urlsafe(9), kind, actor, total, self._clock(), asyncio.Event())
        self._forget_old()
        self._all[job.id] = job
        self._keep(self._run(job, work))
        return job

    async def _run(self, job: Job, work: Work) -> None:
        try:
            async for result, count in work(job.stop):
                job.counts[result] += count
            job.state = "cancelled" if job.stop.is_set() else "done"
        except StorageError:
            job.state = "broken"
            raise
        finally:
            if job.is_running:
                job.state = "broken"
            job.ended = self._clock()

    def _forget_old(self) -> None:
        ended = [job for job in self._all.values() if not job.is_running]
        for job in ended[: max(0, len(self._all) - _KEPT)]:
            del self._all[job.id]


def replaying(core: Core, chosen: DeliveryFilter) -> Work:
    """Send again: as `replay` does, and within the same limits."""

    async def work(stop: asyncio.Event) -> AsyncIterator[tuple[str, int]]:
        async for event in core.replay.run(ReplayOptions(chosen), stop):
            if event["event"] == "delivery":
                yield event["result"], 1

    return work


def discarding(core: Core, chosen: DeliveryFilter) -> Work:
    """Give up, as `deliveries discard` does; it can be stopped between two pages."""

    async def work(stop: asyncio.Event) -> AsyncIterator[tuple[str, int]]:
        pages = core.discarding(chosen)
        while not stop.is_set() and (gone := await anext(pages, None)) is not None:
            if gone:
                yield "discarded", gone

    return work
