"""The disk and the clock of a gateway in another process: full or not, and how far ahead.

A file of a few bytes says so, which both sides have mapped into their memory: what one writes the
other reads at its next write to the disk, or its next look at the clock.
"""

import mmap
import struct
import time
from pathlib import Path
from typing import Self

__all__ = ["VARIABLE", "Hardship"]

VARIABLE = "CRASH_HARDSHIP"
"""The environment variable with the file's path."""
_FORM = struct.Struct("<?d")


class Hardship:
    """`full`: no file of the database grows. `ahead`: seconds that the wall clock is ahead."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _FORM.size)
        self._ended = 0.0

    @classmethod
    def new(cls, path: Path) -> Self:
        path.write_bytes(_FORM.pack(False, 0.0))
        return cls(path)

    @property
    def full(self) -> bool:
        return bool(_FORM.unpack(self._memory)[0])

    @full.setter
    def full(self, full: bool) -> None:
        self._ended = time.monotonic()
        self._memory[: _FORM.size] = _FORM.pack(full, self.ahead)

    @property
    def ahead(self) -> float:
        return float(_FORM.unpack(self._memory)[1])

    @ahead.setter
    def ahead(self, seconds: float) -> None:
        self._memory[: _FORM.size] = _FORM.pack(self.full, seconds)

    def was_full(self, since: float) -> bool:
        """Whether the disk is full, or was at some moment after `since` (monotonic)."""
        return self.full or self._ended >= since
