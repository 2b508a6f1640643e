"""The gateway as a process that is killed at random moments and started again."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import Random
from signal import SIGHUP, SIGKILL

from tests.cli.process import Process, Shell
from tests.crash.hardship import Hardship
from tests.crash.people import MARKS

__all__ = ["Victim", "marks_in"]


_PATIENCE = 120.0
"""Seconds that a start may take: the machine may have more to do."""


class Victim:
    """`url` is where it listens, or where it did. `counts` has kills, starts and surprises."""

    def __init__(self, shell: Shell, database: Path, hardship: Hardship, dice: Random) -> None:
        self._shell = shell
        self.database = database
        self._hardship = hardship
        self._dice = dice
        self._stack = AsyncExitStack()
        self._process: Process
        self._began = 0.0
        self._listens = False
        self.url = ""
        self.counts: Counter[str] = Counter()
        self.leaks: set[str] = set()

    async def start(self) -> None:
        """As a supervisor does: again, where a full disk has kept it from starting."""
        while True:
            await self._begin()
            try:
                self.url = await self._process.url(_PATIENCE)
            except AssertionError:
                if not self._hardship.was_full(self._began):
                    raise
                self.counts["starts on a full disk"] += 1
                await self._put_away()
                await asyncio.sleep(0.3)
            else:
                self._listens = True
                return

    def reload(self) -> None:
        """SIGHUP, where it would be heard: a process that has just begun dies of it."""
        if self._listens:
            with suppress(ProcessLookupError):
                self._process.send(SIGHUP)

    async def kill_at(self, kills: int, progress: Callable[[], float], patience: float) -> None:
        """Kill it this often, spread over the progress (0 to 1) of the load.

        `patience` is how many seconds a kill waits for the progress at most. One in seven dies
        again before it listens.
        """
        for number in range(1, kills + 1):
            limit = time.monotonic() + patience
            while progress() < number / (kills + 1) and time.monotonic() < limit:
                await asyncio.sleep(0.02)
            await asyncio.sleep(self._dice.uniform(0.0, 0.4))
            await self.kill()
            while self._dice.random() < 1 / 7:
                await self._die_young()
            await self.start()

    async def kill(self) -> None:
        """SIGKILL, and a look at what is on the disk then."""
        self._listens = False
        with suppress(ProcessLookupError):
            self._process.send(SIGKILL)
        code = await self._process.ended()
        self.counts["kills"] += 1
        if code != -SIGKILL and not self._hardship.was_full(self._began):
            self.counts["ended by itself"] += 1
        await self._put_away()

    async def _die_young(self) -> None:
        await self._begin()
        await asyncio.sleep(self._dice.uniform(0.0, 1.2))
        await self.kill()

    async def _begin(self) -> None:
        self.counts["starts"] += 1
        self._began = time.monotonic()
        self._process = await self._stack.enter_async_context(self._shell.running("serve"))

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._listens = False
        code = await self._process.stop()
        await self._put_away()
        return code

    async def close(self) -> None:
        await self._stack.aclose()

    async def _put_away(self) -> None:
        await self._stack.aclose()
        self.leaks |= await asyncio.to_thread(marks_in, self.database)


def marks_in(database: Path) -> set[str]:
    """Files of the database that hold an e-mail or a name in plain text."""
    files = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-journal")]
    return {
        path.name
        for path in files
        if path.exists() and (content := path.read_bytes()) and any(m in content for m in MARKS)
    }
