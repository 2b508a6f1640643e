"""The gateway as a process that is killed at random moments and started again."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, AsyncExitStack, suppress
from pathlib import Path
from random import Random
from signal import SIGHUP, SIGKILL
from typing import Self

from gateway.sandbox import Sandbox
from tests.cli.process import Process, Shell
from tests.crash import books
from tests.crash.hardship import Hardship
from tests.crash.held import Verdict
from tests.crash.people import MARKS
from tests.crash.stage import a_port, a_shell, write_flags
from tests.crash.stand_ins import subscribe
from tests.crash.weather import Surroundings

__all__ = ["Victim"]


_PATIENCE = 120.0
"""Seconds that a start may take: the machine may have more to do."""


class Victim:
    """`url` is where it listens, or where it did. `counts` has kills, starts and surprises."""

    def __init__(self, shell: Shell, hardship: Hardship, dice: Random) -> None:
        self.shells = (shell,)
        self.around = Surroundings([hardship], self._write_flags)
        self._shell = shell
        self._database = shell.folder / "gateway.db"
        self._hardship = hardship
        self._dice = dice
        self._stack = AsyncExitStack()
        self._process: Process
        self._began = 0.0
        self._listens = False
        self.url = ""
        self.counts: Counter[str] = Counter()
        self._leaks: set[str] = set()

    @classmethod
    def beside(cls, sandbox: Sandbox, folder: Path, seed: int) -> Self:
        home, file = folder / "gateway", folder / "hardship"
        hardship, port = Hardship.new(file), a_port(home)
        shell = a_shell(sandbox, home, file, port)
        subscribe(sandbox, f"http://127.0.0.1:{port}/webhooks")
        return cls(shell, hardship, Random(f"{seed} kills"))

    def books(self) -> AbstractContextManager[sqlite3.Connection]:
        return books.of_file(self._database)

    def excuses(self, since: float) -> bool:
        return self._hardship.was_full(since)

    def judge(self, verdict: Verdict) -> None:
        if surprises := self.counts["ended by itself"]:
            verdict.blame("bad exits", f"the gateway ended by itself {surprises} times")
        for name in sorted(self._leaks):
            verdict.blame("plain text in the database", name)

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

    def _write_flags(self, changes: Mapping[str, str]) -> None:
        """And a SIGHUP, where it would be heard: a process that has just begun dies of it."""
        write_flags(self._shell, changes)
        if self._listens:
            with suppress(ProcessLookupError):
                self._process.send(SIGHUP)

    async def strike(self) -> None:
        """A kill. One in seven dies again before it listens."""
        await self._kill()
        while self._dice.random() < 1 / 7:
            await self._die_young()
        await self.start()

    async def _kill(self) -> None:
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
        await self._kill()

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
        self._leaks |= await asyncio.to_thread(_marks_in, self._database)


def _marks_in(database: Path) -> set[str]:
    """Files of the database that hold an e-mail or a name in plain text."""
    files = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-journal")]
    return {
        path.name
        for path in files
        if path.exists() and (content := path.read_bytes()) and any(m in content for m in MARKS)
    }
