"""`main.py` on a disk that fills and by a clock that jumps, as its `Hardship` says.

    python -m tests.crash.hampered COMMAND

What the gateway does once an hour or after minutes it does after seconds here.
"""

import os
import time
from pathlib import Path

from tests.crash.hardship import VARIABLE, Hardship
from tests.e2e.trouble.disk import sqlite_on

__all__ = ["Filling"]


class Filling:
    """Files of the database: none grows while the disk is full."""

    def __init__(self, hardship: Hardship, folder: Path) -> None:
        self._hardship = hardship
        self._folder = folder

    def write(self, file: str, at: int, data: bytes) -> int:
        if self._hardship.full and at + len(data) > self._size(file):
            return 13  # SQLITE_FULL
        return 0

    def truncate(self, file: str, size: int) -> None:
        """Room is given back: that works on a full disk."""

    def sync(self, file: str) -> int:
        return 0

    def _size(self, file: str) -> int:
        path = self._folder / file
        return path.stat().st_size if path.exists() else 0


def _hurry() -> None:
    """What takes hours and minutes in life, in the seconds of a trial."""
    from gateway.duplicates.member_merge import MemberMerge
    from gateway.duplicates.points import PointsTransfer
    from gateway.points import drift, keeper, passes, reserving, sender
    from gateway.points import worker as mover
    from gateway.registration import recovery
    from gateway.sync import reconciliation
    from gateway.sync.webhooks import erasure, shopify, worker

    reconciliation.FIRST_AFTER, reconciliation.EVERY = 4.0, 12.0
    reconciliation.AGAIN_AFTER, reconciliation.OVERLAP = 3.0, 30.0
    worker._PASSING, worker._LONGEST_PAUSE = 1.5, 4.0
    shopify.UNSAID = 20.0
    recovery.KEEP_ASKING = 12.0
    PointsTransfer.patience, MemberMerge.again, erasure.LATE = 8.0, 5.0, 8.0
    sender.PATIENCE, sender._LOOK_AGAIN, sender._WEIGH_AGAIN = 8.0, 2.0, 1.0
    mover._AGAIN, mover._SHORTEST, mover._LONGEST = 3.0, 1.0, 4.0
    passes.FIRST_AFTER, passes.EVERY, passes.AGAIN_AFTER = 4.0, 12.0, 3.0
    keeper.PATIENCE, keeper.SETTLING, keeper._LOOK_AGAIN = 8.0, 9.0, 2.0
    keeper._READ_AGAIN, keeper._COUNTED_FOR = 3.0, 30.0
    reserving._MINUTE, drift._SETTLING = 4.0, 10.0


def main() -> None:
    hardship, real = Hardship(Path(os.environ.pop(VARIABLE))), time.time
    # Before the gateway is imported, whose parts take the clock when they are defined.
    time.time = lambda: real() + hardship.ahead
    _hurry()
    from gateway.cli import main as run

    with sqlite_on(Filling(hardship, Path.cwd())):
        run()


if __name__ == "__main__":
    main()
