"""Several gateways on one PostgreSQL as what is under trial."""

import asyncio
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from pathlib import Path
from random import Random
from statistics import median
from typing import Self

import psycopg

from gateway.sandbox import Sandbox
from tests.cli.process import Shell
from tests.crash import books
from tests.crash.fleet.balancer import Balancer
from tests.crash.fleet.database import Database, Seat
from tests.crash.fleet.machine import Machine
from tests.crash.fleet.strikes import AWAY, HAND_OVER, Strikes
from tests.crash.fleet.watch import Watch
from tests.crash.fleet.way import Way
from tests.crash.hardship import Hardship
from tests.crash.held import Verdict
from tests.crash.stage import a_port, a_shell
from tests.crash.stand_ins import subscribe
from tests.crash.weather import Surroundings

__all__ = ["Fleet"]

_SECRET = "the secret of a trial, the same for all of its gateways"
_APART = 300.0
"""Seconds between the clocks of two gateways."""
_PATIENCE = 120.0
"""Seconds that it may take until all is as before: the machine may have more to do."""
_ON_ITS_FEET = 10.0
"""Seconds after a strike in which a command may still hear of it."""


class Fleet:
    """`counts` has the hardships, take-overs and hand-overs; how long nobody was answered is told
    at the end.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        balancer: Balancer,
        seed: int,
        tell: Callable[[str], None],
    ) -> None:
        self.database = database
        self.machines: list[Machine] = []
        self.counts: Counter[str] = Counter()
        self._folder = folder
        self._balancer = balancer
        self._tell = tell
        self._watch = Watch(balancer.url)
        self._stack = AsyncExitStack()
        self._strikes = Strikes(self, Random(f"{seed} strikes"))
        self._wrong: list[str] = []
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._is_struck = False
        self._ended = self._late = 0.0
        self.around: Surroundings

    @classmethod
    async def beside(
        cls,
        sandbox: Sandbox,
        folder: Path,
        seed: int,
        gateways: int,
        tell: Callable[[str], None],
    ) -> Self:
        homes = [folder / f"gateway-{number}" for number in range(1, gateways + 1)]
        ports = [a_port(home) for home in homes]
        balancer = Balancer(a_port(folder), ports)
        fleet = cls(await Database.made(), folder, balancer, seed, tell)
        hardships = [Hardship.new(home.with_suffix(".hardship")) for home in homes]
        for home, port in zip(homes, ports, strict=True):
            await fleet._add(sandbox, home, port, Random(f"{seed} {home.name}"))
        fleet.around = Surroundings(hardships, fleet._set_flags, has_disk=False, apart=_APART)
        subscribe(sandbox, f"{balancer.url}/webhooks")
        return fleet

    async def _add(self, sandbox: Sandbox, home: Path, port: int, dice: Random) -> None:
        way = await self._stack.enter_async_context(Way.to(self.database.socket))
        url = f"postgresql://postgres@127.0.0.1:{way.port}/crash"
        own = {"GATEWAY_DATABASE_URL": url, "GATEWAY_SECRET": _SECRET}
        shell = a_shell(sandbox, home, home.with_suffix(".hardship"), port, **own)
        self.machines.append(Machine(shell, port, way, self.excuses, dice))

    @property
    def url(self) -> str:
        return self._balancer.url

    @property
    def shells(self) -> Sequence[Shell]:
        return [machine.shell for machine in self.machines]

    def _set_flags(self, changes: Mapping[str, str]) -> None:
        for machine in self.machines:
            machine.set_flags(changes)

    def books(self) -> AbstractContextManager[sqlite3.Connection]:
        return books.of_server(self.database.url)

    def excuses(self, since: float) -> bool:
        return self._is_struck or self._ended + _ON_ITS_FEET >= since

    async def start(self) -> None:
        await self._stack.enter_async_context(self._balancer.running())
        await self._stack.enter_async_context(self._watch.running())
        for machine in self.machines:
            machine.start()
        await self._at_rest()

    async def strike(self) -> None:
        await self._at_rest()
        kind, before = self._strikes.draw(), await self.database.seat()
        began, self._is_struck = time.monotonic(), True
        await self._strikes.kinds[kind]()
        await self._at_rest()
        self._is_struck, self._ended = False, time.monotonic()
        self._note(kind, before, await self.database.seat(), self._watch.worst(began))

    def _note(self, kind: str, before: Seat, after: Seat, seconds: float) -> None:
        followed = after.token - before.token
        self._tell(f"{kind}: {seconds:.1f} s without an answer, {followed} followed")
        self._seconds[kind].append(seconds)
        self._late = self._watch.late
        self.counts["kills"] += 1
        self.counts["hand-overs" if kind == HAND_OVER else "take-overs"] += followed
        if kind == AWAY and followed:
            self._wrong.append(f"an outage of the database ended a gateway: {before}, {after}")

    async def stop(self) -> int:
        """At rest; the active one last, so that nobody follows it."""
        await self._at_rest()
        active = await self.active()
        codes = [await each.stop() for each in self.machines if each is not active]
        return max(map(abs, [*codes, await active.stop()]))

    async def close(self) -> None:
        await asyncio.gather(*(machine.close() for machine in self.machines))
        await self._stack.aclose()
        await self.database.close(self._folder)

    # -- as strikes see it

    async def active(self) -> Machine:
        """At rest there is one."""
        return await self._active_after(0)

    async def followed(self, when: Callable[[], None]) -> Machine:
        token = (await self.database.seat()).token
        when()
        return await self._active_after(token)

    async def _active_after(self, token: int) -> Machine:
        async with asyncio.timeout(_PATIENCE):
            while True:
                found = await self._by_its_row(token)
                if found is not None:
                    return found
                await asyncio.sleep(0.1)

    async def _by_its_row(self, token: int = 0) -> Machine | None:
        """Whoever has the lease, if it was taken since."""
        try:
            seat = await self.database.seat()
        except psycopg.Error:
            return None
        by_port = {f":{machine.port}": machine for machine in self.machines}
        found = (each for end, each in by_port.items() if seat.address.endswith(end))
        return next(found, None) if seat.token > token else None

    async def _at_rest(self) -> None:
        """Each answers, one is ready, and the database knows of no other."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while not await self._is_at_rest():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            seat = await self.database.seat()
            self._wrong.append(f"no rest: ready are {self._balancer.ready}, by the rows {seat}")
            self._tell(self._wrong[-1])

    async def _is_at_rest(self) -> bool:
        if not self._balancer.all_answer or len(self._balancer.ready) != 1:
            return False
        active = await self._by_its_row()
        return active is not None and [active.port] == self._balancer.ready

    # -- at the end

    def judge(self, verdict: Verdict) -> None:
        wrong = [*self._wrong, *(line for each in self.machines for line in each.wrong)]
        for line in wrong:
            verdict.blame("bad exits", line)
        for name in self.database.leaks():
            verdict.blame("plain text in the database", name)
        for machine in self.machines:
            self.counts.update(machine.counts)
            self.counts["answers to commits lost"] += machine.way.lost
            self.counts["starts"] += machine.runs
        ended, followed = self.counts["ended as taken over"], self.counts["take-overs"]
        if ended > followed:
            verdict.blame("bad exits", f"{ended} ended as taken over, {followed} took over")
        self._tell(f"this process itself was late by {self._late:.1f} s at most")
        for kind, seconds in self._seconds.items():
            self._tell(
                f"{kind}: {len(seconds)} times; {median(seconds):.1f} s without an answer "
                f"(median), {max(seconds):.1f} s (worst)"
            )
