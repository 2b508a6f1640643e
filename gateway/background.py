"""The one way in which work goes on by itself: start it, repeat it in rounds, repeat it until it is
stored, stop it.

Work that was begun for somebody is waited for at the end (`keep`). Work that never ends goes in
rounds (`go_round`) and is cancelled; a round that fails is logged by name and made again.

What is done for a request has its id, which its caller was told and every line of the log shows. It
is kept with registrations, deliveries and webhooks, so that what is done for them later, even after
a restart, has the same id.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeVar

from gateway.errors import StorageError, UpstreamError

__all__ = ["WOKEN", "Background", "on_behalf_of", "request_id", "until_stored"]

log = logging.getLogger(__name__)

T = TypeVar("T")

WOKEN = None
"""What a round returns where only a wake-up makes the next one."""
_AFTER_FAILURE = 1.0
"""Seconds until a round that failed is made again."""
_STORAGE_AGAIN = 1.0
"""Seconds until a database that failed is tried again."""

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Tasks inherit it; rounds have none."""

Round = Callable[[], Awaitable[float | None]]
"""Makes one round; seconds until the next, or `WOKEN`."""


class Background:
    """All tasks that outlive their caller."""

    def __init__(self) -> None:
        self._kept: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()

    def keep(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        """Run something on after its caller has gone; `finish` waits for it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._kept.add(task)
        task.add_done_callback(self._ended)
        return task

    def run(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        """Run something that may never end; `stop` and `finish` cancel it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._endless.add(task)
        task.add_done_callback(self._ended)
        return task

    def go_round(
        self,
        one: Round,
        name: str,
        wake: asyncio.Event | None = None,
        first: float | None = 0.0,
    ) -> "asyncio.Task[None]":
        """Calls `one` again and again: after as many seconds as it returns, or at once when woken.

        `first`: seconds before the first round.
        """
        return self.run(_rounds(one, name, wake or asyncio.Event(), first), name)

    def every(
        self, seconds: float, work: Callable[[], Awaitable[object]], name: str
    ) -> "asyncio.Task[None]":
        """Calls `work` every so many seconds, for the first time after as many."""

        async def one() -> float:
            await work()
            return seconds

        return self.go_round(one, name, first=seconds)

    @property
    def is_busy(self) -> bool:
        """Whether anything runs that `finish` would wait for."""
        return bool(self._kept)

    async def stop(self) -> None:
        """Cancels the work that never ends: from here on nothing begins by itself."""
        await _cancel(self._endless)

    async def finish(self, seconds: float) -> None:
        """Lets running work end; what has not ended in time is due again at the next start."""
        if self._kept:
            await asyncio.wait(set(self._kept), timeout=seconds)
        await _cancel(self._kept | self._endless)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._kept.discard(task)
        self._endless.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            known = isinstance(error, StorageError | UpstreamError)
            log.error("%s failed: %s", task.get_name(), error if known else type(error).__name__)


async def _cancel(tasks: "set[asyncio.Task[Any]]") -> None:
    ended = set(tasks)
    for task in ended:
        task.cancel()
    await asyncio.gather(*ended, return_exceptions=True)


async def _rounds(one: Round, name: str, wake: asyncio.Event, pause: float | None) -> None:
    while True:
        await _woken(wake, pause)
        wake.clear()  # before the round, so that a wake-up during the round is not lost
        pause = await _one_round(one, name)


async def _woken(wake: asyncio.Event, pause: float | None) -> None:
    if pause == 0:
        await asyncio.sleep(0)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(pause):
            await wake.wait()


async def _one_round(one: Round, name: str) -> float | None:
    try:
        return await one()
    except StorageError as error:
        log.error("%s: the database cannot be used: %s (%s)", name, error, error.hint)
    except UpstreamError as error:
        log.warning("%s goes on later: %s: %s", name, error.system, error)
    except Exception:
        log.exception("%s failed unexpectedly", name)
    return _AFTER_FAILURE


async def until_stored(work: Callable[[], Awaitable[T]]) -> T:
    """Repeats `work` until the database accepts it."""
    while True:
        try:
            return await work()
        except StorageError:
            await asyncio.sleep(_STORAGE_AGAIN)


@contextmanager
def on_behalf_of(identity: str | None) -> Iterator[None]:
    """What is done inside is done for that request; None: for none that is known."""
    token = request_id.set(identity)
    try:
        yield
    finally:
        request_id.reset(token)
