"""Commands that come and go beside `serve`, alone while it is dead, and are killed themselves."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from signal import SIGINT, SIGKILL

from tests.cli.process import Process, Shell

__all__ = ["Commands"]

_KINDS: tuple[tuple[str, ...], ...] = (
    ("replay",),
    ("replay", "--outcome", "failed", "--json"),
    ("deliveries", "list", "--json", "--limit", "20"),
    ("members", "refresh"),
    ("duplicates", "list", "--json"),
    ("backfill", "--channel", "crm"),
    ("backfill", "--channel", "smaregi"),
    ("removals", "list", "--json"),
)
_LONGEST = 30.0
_ROUNDS, _BETWEEN_ROUNDS = 20, 3.0
_DONE = {0, 1}
_OF_A_FLAG = ("FLAG_", "flag")
"""What a command says of a channel that is not `on` just now: that is no fault."""


class Commands:
    """`twins()` are the pairs of store members that are to be merged: absorbed -> survivor.

    They run in one of the `shells` each. `excused(since)`: whether one that began then might find
    that the database is not to be used. `counts` says which commands ran, `wrong` what none should
    have said.
    """

    def __init__(
        self,
        shells: Sequence[Shell],
        excused: Callable[[float], bool],
        twins: Callable[[], Mapping[int, int]],
        dice: Random,
    ) -> None:
        self._shells = shells
        self._excused = excused
        self._twins = twins
        self._dice = dice
        self._merged: set[int] = set()
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def come_and_go(self, pause: float) -> None:
        """For ever, one after the other."""
        while True:
            await asyncio.sleep(self._dice.uniform(0.3, 1.7) * pause)
            left = [each for each in self._twins() if each not in self._merged]
            if left and self._dice.random() < 0.4:
                await self._merge(self._dice.choice(left))
            else:
                await self._run(self._dice.choice(_KINDS))

    async def merge_the_rest(self) -> None:
        """Until each is done; the weather is fine by now. A pair that the search for duplicates has
        not come to yet is no pair.
        """
        for _ in range(_ROUNDS):
            left = [each for each in self._twins() if each not in self._merged]
            for twin in left:
                await self._merge(twin, mortal=False)
            if left:
                await asyncio.sleep(_BETWEEN_ROUNDS)
        self.wrong += [
            f"the merge of member {each} never ends"
            for each in self._twins()
            if each not in self._merged
        ]

    async def _merge(self, twin: int, *, mortal: bool = True) -> None:
        survivor = str(self._twins()[twin])
        pair = ("duplicates", "merge", str(twin), survivor, "--survivor", survivor, "--yes")
        if await self._run(pair, mortal=mortal) == 0:
            self._merged.add(twin)

    async def _run(self, words: tuple[str, ...], *, mortal: bool = True) -> int | None:
        """The exit code; None where it was killed, or told to stop since it took long."""
        dies = mortal and self._dice.random() < 0.25
        began, seconds = time.monotonic(), self._dice.uniform(0.2, 2.5) if dies else _LONGEST
        self.counts[" ".join(words[:2])] += 1
        async with self._dice.choice(self._shells).running(*words) as process:
            try:
                async with asyncio.timeout(seconds if mortal else 90.0):
                    code = await process.ended(95.0)
            except TimeoutError:
                await self._end(words, process, kill=dies and self._dice.random() < 0.5)
                return None
            self._judge(words, code, process, began)
            return code

    async def _end(self, words: tuple[str, ...], process: Process, *, kill: bool) -> None:
        """By kill -9, or as Ctrl-C does: then it ends by itself, without a complaint."""
        self.counts["commands killed" if kill else "commands stopped"] += 1
        process.send(SIGKILL if kill else SIGINT)
        try:
            await process.ended(_LONGEST)
        except TimeoutError:
            self.wrong.append(f"bad exits: {' '.join(words)} goes on after a Ctrl-C: {process.log}")
        if "Traceback" in process.log:
            self.wrong.append(f"bad exits: {' '.join(words)} after a Ctrl-C: {process.log}")

    def _judge(self, words: tuple[str, ...], code: int, process: Process, began: float) -> None:
        said = (process.out + process.log).strip()
        last = said.splitlines()[-1] if said else ""
        of_a_flag = any(word in last for word in _OF_A_FLAG)
        if code in _DONE or of_a_flag or self._excused(began):
            return
        self.wrong.append(f"bad exits: {' '.join(words)} ended in {code}: {last}")
