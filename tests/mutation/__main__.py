"""`python -m tests.mutation [path ...] [--sample N] [--seed S]`: how many of the mutants of the
heart the tests see. Exit code 1 below the score that is asked for, or with a stale explanation.
"""

import argparse
import os
import random
import sys
import time
from collections import Counter, defaultdict

from tests.mutation.explained import explained, stale
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.session import TIME_OUT, Result
from tests.mutation.session import run as run_session
from tests.mutation.targets import ROOT, asked_of, chosen

GOAL = 95.0
"""Per cent of the mutants that are not explained."""


def main() -> int:
    options = _options()
    files = chosen(options.paths)
    mutants = [mutant for file in files for mutant in mutants_of(ROOT, file)]
    entries = explained()
    old = stale(entries, files, (mutant.key for mutant in mutants))
    for entry in old:
        print(f"explained, yet no such mutant, or twice: {entry}")
    if options.sample is not None:
        picked = random.Random(options.seed).sample(range(len(mutants)), options.sample)
        mutants = [mutants[number] for number in sorted(picked)]
    score = _run(mutants, {entry.key for entry in entries}, options)
    return 0 if score >= GOAL and not old else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("paths", nargs="*", help="files or folders of the targets; default: all")
    parser.add_argument("--sample", type=int, help="so many mutants, picked at random")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=20.0, help="of tests for each mutant")
    parser.add_argument("--own", action="store_true", help="ask only the tests that are quick")
    return parser.parse_args()


def _run(
    mutants: list[Mutant], known: set[tuple[str, str, str, str]], options: argparse.Namespace
) -> float:
    by_file: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        if mutant.key not in known:
            by_file[mutant.path].append(mutant)
    explained_of = Counter(mutant.path for mutant in mutants if mutant.key in known)
    total = Counter[str]()
    for path in sorted(set(by_file) | set(explained_of)):
        results = _results(path, by_file[path], options)
        killed = sum(1 for result in results if result.by)
        late = sum(1 for result in results if result.by == TIME_OUT)
        if late:
            print(f"{path}: {late} of the killed took too long")
        _line(path, len(results) + explained_of[path], killed, explained_of[path])
        total += Counter(all=len(results), killed=killed, explained=explained_of[path])
    return _line("all", total["all"] + total["explained"], total["killed"], total["explained"])


def _results(path: str, mutants: list[Mutant], options: argparse.Namespace) -> list[Result]:
    """The quick tests are asked first, those at the front door only of what these did not see."""
    others = [] if options.own else asked_of(path, own=False)
    results = _session(path, mutants, asked_of(path, own=True), options, last=not others)
    left = [result.mutant for result in results if not result.by]
    if not left or not others:
        return results
    seen = [result for result in results if result.by]
    return seen + _session(path, left, others, options, last=True)


def _session(
    path: str,
    mutants: list[Mutant],
    tests: list[str],
    options: argparse.Namespace,
    *,
    last: bool,
) -> list[Result]:
    results: list[Result] = []
    began = time.perf_counter()

    def told(result: Result) -> None:
        results.append(result)
        if last and not result.by:
            print(f"survived ({result.tests} tests): {result.mutant}", flush=True)

    failed = run_session(
        ROOT, path, mutants, tests, at_once=options.at_once, budget=options.seconds, told=told
    )
    for test in failed:
        print(f"left out, it fails without any mutant: {test}")
    print(f"{path}: {time.perf_counter() - began:.0f} s")
    return results


def _line(name: str, mutants: int, killed: int, explained_ones: int) -> float:
    asked = mutants - explained_ones
    score = 100.0 * killed / asked if asked else 100.0
    print(
        f"{name}: {mutants} mutants, {killed} killed, {asked - killed} survived,"
        f" {explained_ones} explained: {score:.1f} %",
        flush=True,
    )
    return score


if __name__ == "__main__":
    sys.exit(main())
