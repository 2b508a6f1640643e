"""Bad weather: each upstream fails in turn in every way that leaves doubt, at seeded moments."""

import asyncio
from random import Random

from gateway.sandbox import SYSTEMS, Fault, Sandbox

__all__ = ["Weather"]


class Weather:
    """While it is on, each system has spells of one fault between spells of none.

    `counts` says how many spells there were of each kind.
    """

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        self._sandbox = sandbox
        self._seed = seed
        self._tasks: list[asyncio.Task[None]] = []
        self.counts: dict[str, int] = {}

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._over(system)) for system in SYSTEMS]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._sandbox.faults.clear()

    async def _over(self, system: str) -> None:
        dice = Random(f"{self._seed} {system}")
        while True:
            await asyncio.sleep(dice.uniform(0.2, 2.0))
            fault = _fault(system, dice)
            self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1
            self._sandbox.faults.set(system, fault)
            await asyncio.sleep(dice.uniform(0.1, 1.5))
            self._sandbox.faults.clear(system)


def _fault(system: str, dice: Random) -> Fault:
    part = dice.choice((0.2, 0.5, 1.0))
    kind = dice.choice(("status", "reset", "drop", "drop", "late", "late", "hang", "half", "limit"))
    match kind:
        case "status":
            codes = (421, 451) if system == "email" else (500, 503)
            applied = False if system == "email" else dice.random() < 0.5
            return Fault("status", status=dice.choice(codes), probability=part, applied=applied)
        case "late":
            return Fault("late", delay=dice.choice((0.05, 0.4, 1.5, 5.0)), probability=part)
        case "drop":
            return Fault("drop", probability=part)
        case "hang":
            return Fault("hang", probability=part, applied=dice.random() < 0.5)
        case "half" if system != "email":
            return Fault("half", probability=part)
        case "limit" if system != "email":
            return Fault("throttle", probability=part)
    return Fault("reset", probability=part, applied=dice.random() < 0.5)
