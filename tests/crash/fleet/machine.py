"""One gateway of several: its process and whoever starts it again, its clock, and its way to the
database.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from signal import SIGCONT, SIGHUP, SIGKILL, SIGSTOP, SIGTERM, Signals

from tests.cli.process import Process, Shell
from tests.crash.fleet.way import Way
from tests.crash.stage import write_flags

__all__ = ["Machine"]

_STANDS = re.compile(r"standing by: |active: the ")
_TAKEN_OVER = "this process ends at once"
_ALWAYS = 1e6


class Machine:
    """`runs`: how many processes there were. `excused(since)`: whether the database was not to be
    used since. `wrong` says how one ended that should not have.
    """

    def __init__(
        self,
        shell: Shell,
        port: int,
        way: Way,
        excused: Callable[[float], bool],
        dice: Random,
    ) -> None:
        self.shell = shell
        self.port = port
        self.way = way
        self.name = shell.folder.name
        self.runs = 0
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._excused = excused
        self._dice = dice
        self._process: Process | None = None
        self._expected: set[int] = set()
        self._is_over = False
        self._supervising: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._supervising = asyncio.create_task(self._supervise(), name=self.name)

    async def stop(self) -> int:
        """For good; how it ended."""
        assert self._supervising is not None
        self._is_over = True
        process = self._process
        self.term()
        await self._supervising
        code = process.code if process is not None else None
        return 0 if code is None else code

    async def close(self) -> None:
        self._is_over = True
        self.go_on()
        self.kill()
        if self._supervising is not None:
            await asyncio.gather(self._supervising, return_exceptions=True)

    def kill(self) -> None:
        self._send(SIGKILL, -SIGKILL)

    def term(self) -> None:
        """One that has just begun knows no better than to die of it."""
        self._send(SIGTERM, 0, *(() if self.stands else (-SIGTERM,)))

    def halt(self) -> None:
        self._send(SIGSTOP)

    def go_on(self) -> None:
        self._send(SIGCONT)

    @property
    def stands(self) -> bool:
        """Whether it has begun to serve or to stand by."""
        return self._process is not None and bool(_STANDS.search(self._process.log))

    def set_flags(self, changes: Mapping[str, str]) -> None:
        write_flags(self.shell, changes)
        if self.stands:
            self._send(SIGHUP)

    def _send(self, signal: Signals, *codes: int) -> None:
        self._expected.update(codes)
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send(signal)

    async def _supervise(self) -> None:
        """As a service manager does: it is started again, whatever it ended of."""
        while not self._is_over:
            began = time.monotonic()
            self._expected = set()
            async with self.shell.running("serve") as process:
                self.runs += 1
                self._process = process
                code = await process.ended(_ALWAYS)
                self._judge(code, process, began)
                self._process = None
            await asyncio.sleep(self._dice.uniform(0.1, 1.5))

    def _judge(self, code: int, process: Process, began: float) -> None:
        said = process.log
        if code in self._expected:
            return
        if code == 1 and _TAKEN_OVER in said:
            self.counts["ended as taken over"] += 1
        elif code != 0 and not _STANDS.search(said) and self._excused(began):
            self.counts["starts without a database"] += 1
        else:
            last = said.strip().splitlines()[-1:] or [""]
            self.wrong.append(f"{self.name} ended by itself in {code}: {last[0]}")
