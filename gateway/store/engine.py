"""What a database must do for the store, whichever it is."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Generic, Protocol, TypeVar

from gateway import frozen
from gateway.store.pulse import Pulse
from gateway.store.rewinding import Rewound

__all__ = ["ALONE", "Batched", "Engine", "Unit", "Whom", "resolve"]

P = TypeVar("P")
T = TypeVar("T")
Unit = Callable[[sqlite3.Connection], T]
"""A plain function of a connection. It may run twice, with the first run undone, so it must have no
effect but on the database. The connection is SQLite's, or has `execute` and `executemany` as it.
"""

Whom = Collection[int | bytes] | None
"""Whom a unit is about: ids of customers, and hashes of e-mails and of idempotency keys. Units
without one in common may run at the same time; those with one in common run one after the other, in
the order in which they came, but for `Batched`.
"""

ALONE: Whom = None
"""No other unit writes meanwhile: for what reads and writes without regard to a person."""


@frozen
class Batched(Generic[P, T]):
    """A unit that may be run together with others of the same `run`: statements are expensive, rows
    are not. `run` is given the parts of all, in the order in which they came, where the first of
    them would run, and returns a result for each; it knows no request. Where it raises, each is run
    again by itself.
    """

    run: Callable[[sqlite3.Connection, Sequence[P]], Sequence[T]]
    part: P

    def __call__(self, db: sqlite3.Connection) -> T:
        (result,) = self.run(db, [self.part])
        return result


class Engine(Protocol):
    """`is_new`: whether `open` has made the database. `is_shared`: other gateways may stand on it,
    so that its time is nobody's own. `pulse` hears of every unit. Errors are StorageErrors, besides
    a unit's own.
    """

    is_new: bool
    is_shared: bool
    pulse: Pulse

    @property
    def place(self) -> str:
        """What people call it: where it is, and nothing secret."""
        ...

    async def size(self) -> int:
        """Bytes that it takes."""
        ...

    async def free(self) -> int | None:
        """Bytes that its disk still holds; None where that cannot be seen from here."""
        ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def write(self, unit: Unit[T], keys: Whom = ALONE) -> Awaitable[T]:
        """Run `unit` in a transaction, which is durable when this returns. If the caller is
        cancelled, it still runs as a whole.
        """
        ...

    def read(self, unit: Unit[T]) -> Awaitable[T]:
        """Run `unit` on what every finished write has left."""
        ...

    async def browse(self, unit: Unit[T]) -> T:
        """As `read`, for whoever looks through many rows: one of them at a time."""
        ...

    async def prove(self) -> None:
        """A durable commit that needs as much as any other. StorageError."""
        ...

    async def checkpoint(self) -> None:
        """What was wiped leaves no bytes, as far as the database can promise that."""
        ...

    async def put_back(self) -> str | None:
        """Why it may hold less than was committed to it; None where nothing says so. Asked by who
        has just become active.
        """
        ...

    async def note_origin(self) -> None:
        """Write down what `put_back` compares; by who has been active since, now and then."""
        ...

    async def rewind(self, unrecognised: Collection[str], now: float) -> Rewound:
        """`store.rewinding`: what may have been done since is not done again by itself."""
        ...

    def now(self) -> float:
        """Unix seconds by the clock that all gateways on this database share."""
        ...


def resolve(future: "asyncio.Future[Any]", result: object) -> None:
    """With a unit's result or error, unless nobody waits for it any more."""
    if future.done():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
