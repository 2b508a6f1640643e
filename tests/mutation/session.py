"""A pytest session that collects once, learns which test runs which line, and then forks a process
for each mutant: everything is loaded there, so a mutant costs what its tests cost.
"""

import gc
import os
import pickle
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.graft import forget_cached, graft, load
from tests.mutation.mutants import Mutant

__all__ = ["TIME_OUT", "Result", "lines_at_load", "run"]

TIME_OUT = "time-out"


@dataclass(frozen=True, slots=True)
class Result:
    """`by`: the test that saw it, or what else ended it; '' where it survived."""

    mutant: Mutant
    by: str
    tests: int


@dataclass(slots=True)
class _Baseline:
    """Of tests, by number: how long each takes (none where it fails without any mutant), and which
    run each line of the file. `at_load`: the lines that run when it is loaded. `modules`: what was
    loaded at the end.
    """

    seconds: dict[int, float] = field(default_factory=dict)
    lines: dict[int, list[int]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    at_load: set[int] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)


def run(
    root: Path,
    path: str,
    mutants: Sequence[Mutant],
    tests: Iterable[str],
    *,
    at_once: int,
    budget: float,
    told: Callable[[Result], None],
) -> list[str]:
    """The tests that fail without any mutant. `budget`: seconds of tests that a mutant is shown."""
    plugin = _Plugin(root, path, mutants, at_once, budget, told)
    # A failure is all that is asked of a test, so nothing is read for a fine traceback of it.
    options = ["-n", "0", "-p", "no:cacheprovider", "-o", "timeout=0", "-q", "--tb=native"]
    code = pytest.main([*options, "--no-header", "--no-summary", *tests], plugins=[plugin])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        sys.exit(f"{path}: its tests cannot be collected")
    return plugin.baseline.failed


class _Plugin:
    def __init__(
        self,
        root: Path,
        path: str,
        mutants: Sequence[Mutant],
        at_once: int,
        budget: float,
        told: Callable[[Result], None],
    ) -> None:
        self._root = root
        self._path = path
        self._name = ".".join(Path(path).with_suffix("").parts)
        self._mutants = mutants
        self._at_once = at_once
        self._budget = budget
        self._told = told
        self._killers: dict[str, Counter[int]] = {}
        self._running: dict[int, tuple[Mutant, Any, list[int]]] = {}
        self.baseline = _Baseline()
        self._items: list[pytest.Item] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = session.items
        self.baseline = self._measured()
        for name in sorted(self.baseline.modules - sys.modules.keys()):
            with suppress(ImportError):
                import_module(name)  # once for all children
        gc.freeze()  # so that a collection in a child copies nothing of what is loaded
        for mutant in self._mutants:
            while len(self._running) >= self._at_once:
                self._collect()
            self._begin(mutant)
        while self._running:
            self._collect()
        return True

    # -- without any mutant

    def _measured(self) -> _Baseline:
        with tempfile.TemporaryFile() as file:
            child = os.fork()
            if child == 0:
                try:
                    pickle.dump(self._measure(), file)
                    file.flush()
                finally:
                    os._exit(0)
            os.waitpid(child, 0)
            file.seek(0)
            measured: _Baseline = pickle.load(file)
        return measured

    def _measure(self) -> _Baseline:
        _be_quiet()
        found = _Baseline()
        path = str(self._root / self._path)
        found.at_load = lines_at_load(path, self._name)
        cover = coverage.Coverage(data_file=None, include=[path], config_file=False)
        cover.set_option("run:disable_warnings", ["no-data-collected"])  # no test may run it
        cover.start()
        for number, item in enumerate(self._items):
            cover.switch_context(str(number))
            forget_cached(self._name)
            began = time.perf_counter()
            if _passes(item):
                found.seconds[number] = time.perf_counter() - began
            else:
                found.failed.append(item.nodeid)
        cover.stop()
        for line, contexts in cover.get_data().contexts_by_lineno(path).items():
            found.lines[line] = [int(c) for c in contexts if c and int(c) in found.seconds]
        found.modules = set(sys.modules)
        return found

    # -- with one

    def _tests_of(self, mutant: Mutant) -> list[int]:
        """Those that run its lines; all, if these run when the module is loaded. What killed its
        neighbours first, then the fastest, for as long as the budget lasts.
        """
        lines = range(mutant.first, mutant.last + 1)
        numbers = {n for line in lines for n in self.baseline.lines.get(line, ())}
        if not numbers and not self.baseline.at_load.isdisjoint(lines):
            numbers = set(self.baseline.seconds)
        killers, seconds = self._killers.get(mutant.place, Counter()), self.baseline.seconds
        chosen, left = list[int](), self._budget
        for number in sorted(numbers, key=lambda n: (-killers[n], seconds[n])):
            if left < 0:
                break
            chosen.append(number)
            left -= seconds[number]
        return chosen

    def _begin(self, mutant: Mutant) -> None:
        tests = self._tests_of(mutant)
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the child has ended
        child = os.fork()
        if child == 0:
            try:
                os.write(file.fileno(), self._killer(mutant, tests).encode())
            finally:
                os._exit(0)
        self._running[child] = (mutant, file, tests)

    def _killer(self, mutant: Mutant, tests: list[int]) -> str:
        """In the child: the number of the test that fails, '' if none does."""
        _be_quiet()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 10.0)
        try:
            graft(self._name, mutant.code)
        except Exception:  # noqa: BLE001 - whatever a mutant raises
            return "it cannot be loaded"
        for number in tests:
            signal.setitimer(signal.ITIMER_REAL, 3.0 + 10 * self.baseline.seconds[number])
            if not _passes(self._items[number]):
                return str(number)
        return ""

    def _collect(self) -> None:
        child, status = os.wait()
        mutant, file, tests = self._running.pop(child)
        with file:
            file.seek(0)
            by = file.read().decode()
        if os.WIFSIGNALED(status):
            by = TIME_OUT if os.WTERMSIG(status) == signal.SIGALRM else "it ends the process"
        if by.isdigit():
            self._killers.setdefault(mutant.place, Counter())[int(by)] += 1
            by = self._items[int(by)].nodeid
        self._told(Result(mutant, by, len(tests)))


def lines_at_load(path: str, name: str) -> set[int]:
    """The lines of the file that run when its module is loaded."""
    cover = coverage.Coverage(data_file=None, include=[path], config_file=False)
    cover.start()
    load(name, Path(path).read_text("utf-8"))
    cover.stop()
    return set(cover.get_data().lines(path) or ())


def _passes(item: pytest.Item) -> bool:
    item._initrequest()  # type: ignore[attr-defined] # as for a second run of it
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _be_quiet() -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
