"""Units that come while others run go together: the thread is woken once for all of them."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from gateway.store.batches import next_batch
from gateway.store.engine import Batched, Unit, resolve
from gateway.store.pulse import Pulse

__all__ = ["Together", "finished", "run_all"]

T = TypeVar("T")

_MOST = 200
_ALIKE = 16
"""Parts that run together."""

_MOMENT = 0.001
"""Seconds that a write waits for others where the last ones came together, as PostgreSQL's
`commit_delay`. One that runs at once runs beside those who have just asked for it, and both threads
fight for the interpreter: with 16 sign-ups at once that took a tenth of all the processor's time.
"""

_BY_CHANCE = 2
"""So many come together now and then where a sign-up is not alone, or an attempt ends beside it:
nobody waits for that.
"""

_CROWD = 10
"""Where so many come together the wait is twice as long: in a moment the event loop brings some ten
sign-ups to their next write, and those that are late cost a commit of their own.
"""


class Together:
    """`run` returns for each unit its result, or the exception that it ends with; raises nothing.

    A hand-over to the thread costs as much as a small unit, and many sign-ups often wait for the
    same event.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Unit[Any]]], Awaitable[Sequence[Any]]],
        name: str,
        pulse: Pulse,
        *,
        writes: bool,
    ) -> None:
        self._run = run
        self._name = name
        self._pulse = pulse
        self._writes = writes
        self._waiting: list[tuple[Unit[Any], asyncio.Future[Any]]] = []
        self._crowd = 1
        self._running: asyncio.Task[None] | None = None

    def result_of(self, unit: Unit[T]) -> "asyncio.Future[T]":
        """It runs as a whole, even if the caller is cancelled."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, future))
        self._pulse.asked()
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run_all(), name=self._name)
        return future

    async def end(self) -> bool:
        """Until all have run; whether the caller was cancelled meanwhile."""
        return self._running is not None and await finished(self._running)

    async def _run_all(self) -> None:
        while self._waiting:
            if self._writes and self._crowd > _BY_CHANCE and len(self._waiting) < _MOST:
                await asyncio.sleep(_MOMENT if self._crowd < _CROWD else 2 * _MOMENT)
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            # one that happens to come in between does not end a crowd
            self._crowd = max(len(batch), self._crowd // 2)
            results = await self._run([unit for unit, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                self._pulse.ended(result, wrote=self._writes)
                resolve(future, result)


def run_all(connection: sqlite3.Connection, units: Sequence[Unit[Any]]) -> list[Any]:
    """The result of each; what is batched runs with the first of its kind, a few at a time."""
    results: dict[int, Any] = {}
    for place, unit in enumerate(units):
        if not isinstance(unit, Batched):
            results[place] = unit(connection)
        elif place not in results:
            alike = [
                (n, each.part)
                for n, each in enumerate(units[place:], place)
                if isinstance(each, Batched) and each.run is unit.run and n not in results
            ]
            some = alike[: next_batch(len(alike), _ALIKE)]
            told = unit.run(connection, [part for _, part in some])
            results |= zip((n for n, _ in some), told, strict=True)
    return [results[place] for place in range(len(units))]


async def finished(future: "asyncio.Future[Any]") -> bool:
    """Until it is done, even where the caller is cancelled; whether that happened."""
    cancelled = False
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
