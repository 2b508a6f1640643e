"""When the index is brought up to date: one run serves many, and a sign-up may ask beforehand."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any

from gateway.matching.shared_run import SharedRun
from gateway.wire import Lane, lane

__all__ = ["Refreshes"]

FORESEEN_FOR = 1.0
"""Seconds for which a sign-up relies on what it asked for when it began. Whoever waits longer for
Shopify asks again: they may stand at a till meanwhile."""

_foreseen: ContextVar[tuple["asyncio.Task[None]", float] | None] = ContextVar(
    "foreseen", default=None
)
"""The run that the sign-up of this context asked for, and when, by the clock of the loop."""


class Refreshes:
    """`apart`: seconds between two. Somebody who registers does not queue behind the backlog's."""

    def __init__(
        self, refresh: Callable[[], Coroutine[Any, Any, None]], apart: Callable[[], float]
    ) -> None:
        self._runs = {each: SharedRun(refresh, apart) for each in Lane}

    def foresee(self) -> None:
        """Begin now what is asked for later in this context, or in a task begun in it."""
        run = self._runs[lane.get()].join()
        _foreseen.set((run, asyncio.get_running_loop().time()))

    def join(self) -> "asyncio.Task[None]":
        """A run that began after this was called, or after this context foresaw it."""
        return _of_before() or self._runs[lane.get()].join()

    def tasks(self) -> list["asyncio.Task[None]"]:
        return [task for run in self._runs.values() for task in run.tasks()]


def _of_before() -> "asyncio.Task[None] | None":
    """The run that was foreseen, unless that is long ago. If it failed, so does who relied on it:
    Smaregi may have asked for a pause.
    """
    run, asked_at = _foreseen.get() or (None, 0.0)
    return run if asyncio.get_running_loop().time() - asked_at <= FORESEEN_FOR else None
