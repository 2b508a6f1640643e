"""`python -m tests.simulation [SECONDS] [SEED]`: runs the core from seeds, and says what it found.

`--family F` plays that one alone, `--replay SEED` one run of it with its trace. `--faults` takes
out one mend after the other and says how soon the simulation finds that it is missing.
"""

import argparse
import os
import sys

from tests.simulation.runs import FAMILIES, Outcome, campaign, once, simulating

_TOLD = 20
"""Findings that are told: what is broken everywhere need not be read a thousand times."""


def main() -> int:
    given = _arguments()
    if os.environ.get("PYTHONHASHSEED") != "0":  # else the order of sets is another in each process
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])
    families = [given.family] if given.family else list(FAMILIES)
    with simulating():
        if given.faults:
            return _faults(given.seconds, given.family)
        if given.replay is not None:
            return _replay(families[0], given.replay)
        outcome = campaign(families, given.seed, seconds=given.seconds)
    _say(outcome)
    return 1 if outcome.findings else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--family", choices=FAMILIES)
    parser.add_argument("--replay", type=int, metavar="SEED")
    parser.add_argument("--faults", action="store_true")
    return parser.parse_args()


def _replay(family: str, seed: int) -> int:
    world = once(family, seed)
    print(*world.trace, sep="\n")
    print(*world.findings, sep="\n")
    return 1 if world.findings else 0


def _say(outcome: Outcome) -> None:
    """A finding is told with what replays it."""
    rate = outcome.runs / outcome.seconds * 60
    per_core = outcome.runs / outcome.cpu * 60
    print(
        f"{outcome.runs} runs in {outcome.seconds:.0f} s: {rate:.0f} a minute, "
        f"{per_core:.0f} a minute of processor time; {dict(outcome.by_family)}"
    )
    for finding in outcome.findings[:_TOLD]:
        print(f"\n--family {finding.family} --replay {finding.seed}")
        print(*(f"  {text}" for text in finding.texts), sep="\n")
    print(f"{len(outcome.findings)} runs found something")


def _faults(seconds: float, family: str | None) -> int:
    from tests.simulation.faults import FAULTS, hunt

    missed = 0
    for fault in FAULTS:
        if family in {None, fault.family}:
            outcome = hunt(fault, seconds)
            said = outcome.findings[0] if outcome.findings else "NOT FOUND"
            print(f"{fault.name}: {outcome.runs} runs, {outcome.cpu:.1f} s: {said}", flush=True)
            missed += not outcome.findings
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
