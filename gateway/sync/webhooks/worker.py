"""Does the work of stored webhooks: a loop for each source, in the order of arrival.

Senders do not guarantee the order, and lose and repeat events. So an event only says where to look,
and every handler acts on what the source holds now. All events of one customer are one job. Nothing
is claimed: a job that dies half-way is simply done again.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from gateway import frozen
from gateway.background import Background, on_behalf_of
from gateway.delivery import Runtime
from gateway.delivery.clock_jumps import ClockJumps
from gateway.delivery.retry import longer, retry_delay
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.store import Engine, events
from gateway.store.events import Event, NewEvent, Source
from gateway.wire import Lane, lane

__all__ = ["EventWorker", "Handler", "Job", "LaterError"]

log = logging.getLogger(__name__)

IDLE = 1.0
"""Seconds between looks into the table when nothing wakes the worker."""
_AT_ONCE = 8
_PAGE = 200
_LONGEST_JOB = 60.0
_PASSING = 15.0
"""Seconds until a job is tried again after an upstream failed; no try is counted."""
_LONGEST_PAUSE = 30.0


class LaterError(Exception):
    """The job cannot be done yet, but nothing is wrong: it waits for `seconds`, and no try is
    counted.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"later by {seconds:.0f} s")
        self.seconds = seconds


@frozen
class Job:
    """A job, and the events that are done with it."""

    events: Sequence[Event]
    run: Callable[[], Awaitable[None]]


class Handler(Protocol):
    """`jobs` returns stages: a stage begins when the one before has ended. UpstreamError: the
    source cannot be read, and everything waits. `rest`: seconds between rounds, in which events
    gather.
    """

    rest: float

    async def jobs(self, found: Sequence[Event]) -> Sequence[Sequence[Job]]: ...


class EventWorker:
    """Administrators are told of a job whose tries are used up."""

    def __init__(
        self,
        db: Engine,
        handlers: Mapping[Source, Handler],
        jumps: ClockJumps,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._jumps = jumps
        self.handlers = handlers
        self._runtime = runtime
        self._wake = {source: asyncio.Event() for source in handlers}
        self._pauses: dict[Source, float] = {}  # of a source that cannot be read
        self._loops = Background()

    async def keep(self, new: NewEvent) -> bool:
        """Durable when this returns; false for an event that was kept before."""
        await self._jumps.follow()
        now = self._runtime.clock()
        fresh = await self._db.write(lambda db: events.add(db, new, now), ())
        if fresh:
            self._wake[new.source].set()
        return fresh

    async def start(self) -> None:
        now = self._runtime.clock()
        while await self._db.write(lambda db: events.bring_forward(db, now)):
            pass
        again = 0
        while page := await self._db.write(lambda db: events.resume(db, now)):
            again += page
        if again:
            log.info("%d webhooks that failed before are tried again", again)
        for source, handler in self.handlers.items():
            follow = partial(self._follow, source, handler)
            self._loops.go_round(follow, f"webhooks of {source}", self._wake[source])

    async def stop(self) -> None:
        await self._loops.stop()

    async def _follow(self, source: Source, handler: Handler) -> float:
        """Rests after a round that found something: what comes meanwhile is done together."""
        lane.set(Lane.BACKLOG)
        try:
            worked = await self._round(source, handler)
        except UpstreamError as error:
            pause = longer(self._pauses.get(source, 0.0), 1.0, _LONGEST_PAUSE)
            self._pauses[source] = pause
            log.warning("webhooks of %s wait %.0f s: %s", source, pause, error)
            await asyncio.sleep(pause)  # new events do not make it readable
            return 0.0
        self._pauses[source] = 0.0
        if worked:
            await asyncio.sleep(handler.rest)
        return 0.0 if worked else IDLE

    async def _round(self, source: Source, handler: Handler) -> bool:
        """Does the work that is due. False if there was none."""
        now = self._runtime.clock()
        found = await self._db.read(partial(events.due, source=source, now=now, limit=_PAGE))
        if not found:
            return False
        slots = asyncio.Semaphore(_AT_ONCE)
        for stage in await handler.jobs(found):
            results = await asyncio.gather(
                *(self._run(source, job, slots) for job in stage), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result
        return True

    async def _run(self, source: Source, job: Job, slots: asyncio.Semaphore) -> None:
        """Does one job and settles its events. Raises StorageError: then nothing was settled."""
        try:
            async with slots, asyncio.timeout(_LONGEST_JOB):
                with on_behalf_of(job.events[-1].request_id):
                    await job.run()
        except LaterError as later:
            await self._later(source, job, later.seconds)
        except StorageError:
            raise
        except UpstreamError as error:
            if error.error_class.opens_circuit or error.error_class is ErrorClass.AUTH:
                await self._later(source, job, max(_PASSING, min(error.retry_after or 0, 300.0)))
            else:
                await self._count(source, job, error.error_class, str(error))
        except TimeoutError:
            await self._later(source, job, _PASSING)
        except Exception as bug:
            log.exception("a webhook broke its handler")
            text = f"an error of the gateway itself ({type(bug).__name__}); see its log"
            await self._count(source, job, ErrorClass.UNEXPECTED, text)
        else:
            ids, now = [event.id for event in job.events], self._runtime.clock()
            await self._db.write(lambda db: events.settled(db, ids, now))
            self._report(source, job, "done")

    async def _later(self, source: Source, job: Job, seconds: float) -> None:
        await self._jumps.follow()
        ids, now = [event.id for event in job.events], self._runtime.clock()
        self._look_in(source, seconds)
        await self._db.write(
            lambda db: events.later(db, ids, now + seconds, now, None, counted=False)
        )

    async def _count(self, source: Source, job: Job, error_class: ErrorClass, text: str) -> None:
        """A try is used up; after the last one a person is told."""
        await self._jumps.follow()
        ids, now = [event.id for event in job.events], self._runtime.clock()
        tries = max(event.attempts for event in job.events)
        schedule = self._runtime.policy.schedule
        if tries >= len(schedule):
            await self._db.write(lambda db: events.failed(db, ids, text, now))
            self._report(source, job, "failed")
            detail = f"{job.events[0].topic}: {text}"
            self._runtime.listener.failed("webhooks", error_class, detail)
            return
        delay = retry_delay(schedule, tries + 1, random.random)
        self._look_in(source, delay)
        await self._db.write(lambda db: events.later(db, ids, now + delay, now, text, counted=True))
        self._report(source, job, "retried")
        log.warning("%s: %s; tried again", job.events[0].topic, text)

    def _look_in(self, source: Source, seconds: float) -> None:
        """Wakes the worker before its next look."""
        if seconds < IDLE:
            asyncio.get_running_loop().call_later(seconds, self._wake[source].set)

    def _report(self, source: Source, job: Job, result: str) -> None:
        for event in job.events:
            self._runtime.listener.event_ended(source, event.topic, result)
