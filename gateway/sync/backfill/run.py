"""A run of backfill as a stream of events, in the process that owns the database file."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from gateway.background import until_stored
from gateway.delivery import DeliveryParts, Runtime
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.shopify import Shopify
from gateway.store import Engine
from gateway.store import backfill as queries
from gateway.sync.backfill.options import BackfillOptions, refusal
from gateway.sync.backfill.pages import Pages
from gateway.sync.backfill.sending import GaveUpError, Sending
from gateway.wire import Lane, lane

__all__ = ["Backfill"]

_PROGRESS_EVERY = 0.25
"""Seconds between two reports of progress."""
_WAITING_EVERY = 60.0
"""Seconds after which the run says again what it waits for."""

Events = asyncio.Queue[dict[str, Any] | None]


class Backfill:
    """Runs, each as a stream of events."""

    def __init__(
        self, db: Engine, shopify: Shopify, delivery: DeliveryParts, runtime: Runtime
    ) -> None:
        self._db = db
        self._shopify = shopify
        self._delivery = delivery
        self._runtime = runtime
        self._checkpointing: set[str] = set()  # of running runs that keep a checkpoint
        self._under_way: Counter[str] = Counter()  # runs, by channel

    def refusal(self, options: BackfillOptions) -> str | None:
        """Why such a run may not begin, in words; None if it may."""
        return refusal(self._runtime.flags, options)

    async def run(
        self, options: BackfillOptions, stop: asyncio.Event | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Events: `start` (total, None if not known; done), `progress` (done, counts), `waiting`
        (message), `end` (counts; error, None if everybody was seen).

        Once `stop` is set nothing more is begun. Running attempts end, and then the stream ends
        without `end`. If the listener stops, the run ends in the same way.
        """
        events: Events = asyncio.Queue()
        task = asyncio.create_task(self._go(options, stop or asyncio.Event(), events))
        try:
            while (event := await events.get()) is not None:
                yield event
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _go(self, options: BackfillOptions, stop: asyncio.Event, events: Events) -> None:
        lane.set(Lane.BACKLOG)
        # If two runs want the same at once, the first writes the mark.
        checkpoints = not options.dry_run and options.key not in self._checkpointing
        if checkpoints:
            self._checkpointing.add(options.key)
        pages = Pages(
            self._db,
            self._shopify,
            self._delivery,
            self._runtime.live,
            options,
            checkpoints=checkpoints,
        )
        report = _Report(pages, events)
        try:
            await self._run(pages, options, stop, report)
        finally:
            if checkpoints:
                self._checkpointing.discard(options.key)
            if report.sending is not None:
                give_back = partial(self._give_back, options.channel)
                self._runtime.background.keep(until_stored(give_back), "giving back a backfill's")
            events.put_nowait(None)

    @contextmanager
    def _taking_part(self, options: BackfillOptions) -> Iterator[None]:
        """Deliveries that a run opens are its own while it lasts."""
        part = 0 if options.dry_run else 1
        self._under_way[options.channel] += part
        try:
            yield
        finally:
            self._under_way[options.channel] -= part

    async def _give_back(self, channel: str) -> None:
        """Releases what runs opened and did not send, once none is running. Raises StorageError."""
        while not self._under_way[channel]:
            now = self._runtime.clock()
            if not await self._db.write(partial(queries.give_back, channel=channel, now=now)):
                return

    async def _run(
        self, pages: Pages, options: BackfillOptions, stop: asyncio.Event, report: "_Report"
    ) -> None:
        error: str | None = None
        try:
            if not options.dry_run:
                await self._give_back(options.channel)
            with self._taking_part(options):
                await pages.begin()
                report.start(await self._total(options))
                if options.dry_run:
                    await self._rehearse(pages, stop, report)
                else:
                    await self._send(pages, options, stop, report)
        except GaveUpError as end:
            error = str(end)
        except UpstreamError as failure:
            error = f"Shopify cannot be read ({failure})"
        except StorageError as failure:
            error = f"The database cannot be used: {failure} ({failure.hint})"
        report.end(error, stopped=stop.is_set())

    async def _total(self, options: BackfillOptions) -> int | None:
        try:
            return await self._shopify.roll.count(options.created)
        except UpstreamError as error:
            if error.error_class is ErrorClass.AUTH:
                raise
            return None  # then only the remaining time is unknown

    async def _send(
        self, pages: Pages, options: BackfillOptions, stop: asyncio.Event, report: "_Report"
    ) -> None:
        sending = report.sending = Sending(
            self._db,
            self._delivery.routes[options.channel].circuit,
            self._delivery.deliverer,
            pages,
            report,
            stop,
            self._runtime.background,
        )
        await sending.run()
        if not stop.is_set():
            await pages.finish()

    async def _rehearse(
        self,
        pages: Pages,
        stop: asyncio.Event,
        report: "_Report",
    ) -> None:
        while not stop.is_set() and await pages.rehearse():
            report.progress()


class _Report:
    """What the listener gets: not every delivery, but the counts a few times a second."""

    def __init__(self, pages: Pages, events: Events) -> None:
        self._pages = pages
        self._events = events
        self._told_at = 0.0
        self._waits_for = ""
        self._waiting_told_at = 0.0
        self.sending: Sending | None = None

    def start(self, total: int | None) -> None:
        self._events.put_nowait({"event": "start", "total": total, "done": self._pages.seen})

    def progress(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if now - self._told_at < _PROGRESS_EVERY and not at_once:
            return
        self._told_at = now
        self._events.put_nowait({"event": "progress", **self._state()})

    def waiting(self, why: str) -> None:
        now = time.monotonic()
        if why != self._waits_for or now - self._waiting_told_at > _WAITING_EVERY:
            self._waits_for, self._waiting_told_at = why, now
            self._events.put_nowait({"event": "waiting", "message": why})

    def end(self, error: str | None, *, stopped: bool) -> None:
        """A run that was stopped has no `end`: the next owner continues it."""
        self.progress(at_once=True)
        if error is not None or not stopped:
            self._events.put_nowait({"event": "end", "error": error, **self._state()})

    def _state(self) -> dict[str, Any]:
        counts = Counter(self._pages.counts)
        unsettled = 0
        if self.sending is not None:
            counts += self.sending.counts
            unsettled = self.sending.unsettled
        return {"done": max(0, self._pages.seen - unsettled), "counts": dict(counts)}
