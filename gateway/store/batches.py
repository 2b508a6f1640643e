"""How many rows go into one statement."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

__all__ = ["batches", "next_batch"]

T = TypeVar("T")

_SIZES: Final = (64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)
"""Each number of rows is a statement of its own, which SQLite prepares and keeps: of the widest
tables 2 kB a row, on the thread whose heap gives nothing back. So there are few.
"""


def next_batch(left: int, most: int) -> int:
    """How many of the rows that are left go next; at least one is left."""
    return next(size for size in _SIZES if size <= min(left, most))


def batches(rows: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """All of the rows, in their order."""
    at = 0
    while left := len(rows) - at:
        many = next_batch(left, most)
        yield rows[at : at + many]
        at += many
