"""The gateway as a process that is killed at random moments and started again."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import Random
from signal import SIGKILL

from tests.cli.process import Process, Shell
from tests.crash.people import MARKS

__all__ = ["Victim", "marks_in"]


class Victim:
    """`url` is where it listens, or where it did. `counts` has kills, starts and surprises."""

    def __init__(self, shell: Shell, database: Path, dice: Random) -> None:
        self._shell = shell
        self._database = database
        self._dice = dice
        self._stack = AsyncExitStack()
        self._process: Process
        self.url = ""
        self.counts: Counter[str] = Counter()
        self.leaks: set[str] = set()

    async def start(self) -> None:
        self.counts["starts"] += 1
        self._process = await self._stack.enter_async_context(self._shell.running("serve"))
        self.url = await self._process.url()

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
        with suppress(ProcessLookupError):
            self._process.send(SIGKILL)
        code = await self._process.ended()
        self.counts["kills"] += 1
        self.counts["ended by itself"] += code != -SIGKILL
        await self._put_away()

    async def _die_young(self) -> None:
        self.counts["starts"] += 1
        self._process = await self._stack.enter_async_context(self._shell.running("serve"))
        await asyncio.sleep(self._dice.uniform(0.0, 1.2))
        await self.kill()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        code = await self._process.stop()
        await self._put_away()
        return code

    async def close(self) -> None:
        await self._stack.aclose()

    async def _put_away(self) -> None:
        await self._stack.aclose()
        self.leaks |= await asyncio.to_thread(marks_in, self._database)


def marks_in(database: Path) -> set[str]:
    """Files of the database that hold an e-mail or a name in plain text."""
    files = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-journal")]
    return {
        path.name
        for path in files
        if path.exists() and (content := path.read_bytes()) and any(m in content for m in MARKS)
    }
