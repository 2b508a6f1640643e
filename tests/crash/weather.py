"""Bad weather: each upstream fails in turn in every way that leaves doubt, at seeded moments; so
do the gateway's own disk, clock and flags.

What arrives late, or once nobody waits any more, are only requests that make something: a change
that is applied after a newer one can be told from it by nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import Random
from typing import Any

from gateway.sandbox import SYSTEMS, Fault, Sandbox
from tests.crash.hardship import Hardship

__all__ = ["FLAGS", "Surroundings", "Weather"]

FLAGS = (
    *("FLAG_SMAREGI", "FLAG_CRM", "FLAG_EMAIL", "FLAG_UPDATES"),
    *("FLAG_POINTS_EARN", "FLAG_POINTS_SPEND"),
)
_MAKES = {
    "shopify": ("customerCreate", "customerCreate", "discountCodeBasicCreate"),
    "smaregi": ("POST /customers", "POST /transactions"),
    "crm": ("POST /crm/objects",),
    "email": (None,),
}
_HOUR = 3600.0
_AFTER_THE_EFFECT = (408, 409, 423, 499, 500, 503)


class Surroundings:
    """What gateways stand on. `write_flags(changes)` sets these beside those that are on.

    Their clocks are so many seconds `apart`. `has_disk`: of their own, for the database.
    """

    def __init__(
        self,
        hardships: Sequence[Hardship],
        write_flags: Callable[[dict[str, str]], None],
        *,
        has_disk: bool = True,
        apart: float = 0.0,
    ) -> None:
        self._hardships = hardships
        self.write_flags = write_flags
        self._has_disk = has_disk
        self._apart = apart
        self._set_clocks()

    def spells(self) -> "Sequence[tuple[float, str, _Spell]]":
        """Seconds between two, on average; and their name."""
        full = [(8.0, "full disk", self._full_disk)] if self._has_disk else []
        return [*full, (5.0, "clock jump", self._clock), (5.0, "flags", self._flags)]

    def set_fair(self) -> None:
        for hardship in self._hardships:
            hardship.full = False
        self._set_clocks()
        self.write_flags({})

    def _set_clocks(self) -> None:
        for number, hardship in enumerate(self._hardships):
            hardship.ahead = number * self._apart

    async def _full_disk(self, dice: Random) -> None:
        hardship = dice.choice(self._hardships)
        hardship.full = True
        await asyncio.sleep(dice.uniform(0.1, 1.2))
        hardship.full = False

    async def _clock(self, dice: Random) -> None:
        ahead = dice.choice((-1, -0.2, -0.002, 0, 0.002, 0.2, 1)) * _HOUR
        dice.choice(self._hardships).ahead = ahead
        await asyncio.sleep(dice.uniform(0.2, 3.0))

    async def _flags(self, dice: Random) -> None:
        name = dice.choice(FLAGS)
        held = {name: "hold"} if dice.random() < 0.6 else {f"{name}_PERCENT": "40"}
        self.write_flags(held)
        await asyncio.sleep(dice.uniform(0.3, 3.0))
        self.write_flags({})


class Weather:
    """While it is on, each system has spells of one fault between spells of none.

    `counts` says how many spells there were of each kind. `crowd` is called where many members
    change at once.
    """

    def __init__(
        self, sandbox: Sandbox, around: Surroundings, crowd: Callable[[], None], seed: int
    ) -> None:
        self._sandbox = sandbox
        self._around = around
        self._crowd = crowd
        self._seed = seed
        self._tasks: list[asyncio.Task[None]] = []
        self.counts: dict[str, int] = {}

    def start(self) -> None:
        works: list[Coroutine[Any, Any, None]] = [self._over(system) for system in SYSTEMS]
        works += [self._again(*spell) for spell in self._around.spells()]
        works.append(self._again(12.0, "crowd", self._pages))
        self._tasks = [asyncio.create_task(work) for work in works]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._sandbox.faults.clear()
        self._around.set_fair()

    async def _over(self, system: str) -> None:
        dice = Random(f"{self._seed} {system}")
        while True:
            await asyncio.sleep(dice.uniform(0.2, 2.0))
            fault = _fault(system, dice)
            self._count(fault.kind)
            self._sandbox.faults.set(system, fault)
            await asyncio.sleep(dice.uniform(0.1, 1.5))
            self._sandbox.faults.clear(system)

    async def _again(self, pause: float, name: str, spell: "_Spell") -> None:
        dice = Random(f"{self._seed} {name}")
        while True:
            await asyncio.sleep(dice.uniform(0.3, 1.7) * pause)
            self._count(name)
            await spell(dice)

    async def _pages(self, dice: Random) -> None:
        """The next refreshes have several pages, and some of these fail."""
        self._crowd()
        fault = Fault("status", status=500, match="GET /customers", probability=0.5)
        self._sandbox.faults.set("smaregi", fault)
        await asyncio.sleep(dice.uniform(0.5, 2.0))

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


_Spell = Callable[[Random], Awaitable[None]]


def _fault(system: str, dice: Random) -> Fault:
    part = dice.choice((0.2, 0.5, 1.0))
    kinds = ("status", "status", "reset", "drop", "drop", "late", "late", "hang", "half", "limit")
    match dice.choice(kinds):
        case "status":
            return _status(system, dice, part)
        case "late":
            delay = dice.choice((0.05, 0.4, 1.5, 5.0))
            return Fault("late", delay=delay, probability=part, match=dice.choice(_MAKES[system]))
        case "drop":
            return Fault("drop", probability=part)
        case "hang":
            applied = dice.random() < 0.5
            match = dice.choice(_MAKES[system]) if applied else None
            return Fault("hang", probability=part, applied=applied, match=match)
        case "half" if system != "email":
            return Fault("half", probability=part)
        case "limit" if system != "email":
            return Fault("throttle", probability=part)
    return Fault("reset", probability=part, applied=dice.random() < 0.5)


def _status(system: str, dice: Random, part: float) -> Fault:
    """An answer that speaks of a failure, whatever was done."""
    if system == "email":
        return Fault("status", status=dice.choice((421, 451)), probability=part)
    applied = dice.random() < 0.5
    if system == "shopify" and dice.random() < 0.2:
        return Fault("status", status=200, body=_INTERNAL, probability=part, applied=applied)
    status = dice.choice(_AFTER_THE_EFFECT)
    return Fault("status", status=status, probability=part, applied=applied)


_INTERNAL = {
    "data": None,
    "errors": [{"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}],
}
