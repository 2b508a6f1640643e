"""Many runs, each from a seed alone: a seed that finds something finds it again."""

import gc
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.simulation import (
    changes,
    earning,
    evidence,
    filling,
    leaving,
    mending,
    one_person,
    parting,
    sign_ups,
    spending,
    till,
    timing,
)
from tests.simulation.edges import installed
from tests.simulation.judge import judge_points
from tests.simulation.loop import StuckError
from tests.simulation.world import World

__all__ = ["FAMILIES", "Finding", "Outcome", "campaign", "once", "simulating"]

Play = Callable[[World], Coroutine[Any, Any, None]]

FAMILIES: Mapping[str, Play] = {
    "sign_ups": sign_ups.play,
    "made_property": sign_ups.made_property,
    "one_person": one_person.play,
    "changes": changes.play,
    "given_up": changes.given_up,
    "opting_out": changes.opting_out,
    "deleted": leaving.deleted,
    "merged": leaving.merged,
    "failed_merge": leaving.failed_merge,
    "till": till.play,
    "earning": earning.play,
    "spending": spending.play,
    "broken_refresh": till.broken_refresh,
    "points": mending.points,
    "unlinked": parting.unlinked,
    "alike": evidence.alike,
    "backfill": filling.backfilled,
    "late_look": one_person.late_look,
    "second_run": one_person.second_run,
    "begun_anew": timing.begun_anew,
    "slow_channel": timing.slow_channel,
    "burst": timing.burst,
    "clock": timing.clock,
    "outage": timing.outage,
    "unreadable": timing.unreadable,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`seed` replays it: `python -m tests.simulation --family FAMILY --replay SEED`."""

    family: str
    seed: int
    texts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.family} {self.seed}: {'; '.join(self.texts)}"


@dataclass(slots=True)
class Outcome:
    runs: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    by_family: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


@contextmanager
def simulating() -> Iterator[None]:
    """Around any number of runs; nothing is collected in the middle of one."""
    hook, sys.unraisablehook = sys.unraisablehook, _ignored
    try:
        with installed():
            once("sign_ups", 0)  # what is read, parsed and compiled once for all
            gc.collect()
            gc.freeze()
            gc.disable()
            yield
    finally:
        gc.enable()
        gc.unfreeze()
        gc.collect()
        gc.freeze()  # what was there before
        sys.unraisablehook = hook


def _ignored(_: Any) -> None:
    """What the dead would still have done, had they not been collected."""


def once(family: str, seed: int) -> World:
    """One run; what was found is in its world."""
    world = World(f"{family} {seed}")
    try:
        world.run(FAMILIES[family])
        judge_points(world)
    except StuckError as error:
        world.find("stuck", str(error))
    except Exception as error:  # noqa: BLE001 - a run that breaks is a finding too
        world.find("broken run", f"{type(error).__name__}: {error}")
    return world


def campaign(
    families: list[str],
    seed: int,
    *,
    seconds: float = float("inf"),
    runs: int = 10**9,
    until: Callable[[Outcome], bool] = lambda outcome: False,
) -> Outcome:
    """The families in turn, with seeds from `seed` on, for `seconds` of a core or `runs`."""
    outcome, began, used = Outcome(), time.perf_counter(), time.process_time()
    while outcome.runs < runs and outcome.cpu < seconds and not until(outcome):
        family = families[outcome.runs % len(families)]
        number = seed + outcome.runs // len(families)
        found = once(family, number).findings
        if found:
            outcome.findings.append(Finding(family, number, tuple(found)))
        outcome.runs += 1
        outcome.by_family[family] += 1
        if outcome.runs % 50 == 0:
            gc.collect()
        outcome.seconds = time.perf_counter() - began
        outcome.cpu = time.process_time() - used
    return outcome
