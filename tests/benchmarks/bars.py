"""What the figures have to be."""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from tests.benchmarks.measuring import Measured, ratio
from tests.benchmarks.scenes import DELAYED, STEADY, Step, closed
from tests.benchmarks.table import Results

__all__ = ["Verdict", "bars"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`found` is None where it was not measured."""

    told: str
    limit: float
    found: float | None

    @property
    def held(self) -> bool | None:
        return None if self.found is None else self.found <= self.limit

    def __str__(self) -> str:
        word = {True: "met", False: "MISSED", None: "not measured"}[self.held]
        found = "" if self.found is None else f": {self.found:.2f}"
        return f"{word:12}  {self.told}, at most {self.limit:g}{found}"


def bars(results: Results) -> Iterator[Verdict]:
    def of(scene: str, step: Step, name: str = "gateway") -> Measured | None:
        return results.median(scene, step, name)

    gateway = of("healthy", closed(16))
    for other, limit in (("floor", 2.6), ("node", 1.0)):
        against = of("healthy", closed(16), other)
        times = ratio(gateway.cpu, against.cpu) if gateway and against else None
        yield Verdict(f"CPU at 16 at once / {other}", limit, times)
    delayed = of("healthy", DELAYED)
    yield Verdict("p50 added at 8 at once, ms", 3.0, delayed.added if delayed else None)
    alone, beside = of("healthy", STEADY), of("hanging", STEADY)
    for told in ("members", "mails"):
        p99 = attrgetter(told)
        slower = ratio(p99(beside), p99(alone)) if alone and beside else None
        yield Verdict(f"p99 of the {told} beside a CRM that hangs / alone", 1.1, slower)
    crowd = of("healthy", closed(256))
    yield Verdict("memory at 256 at once, MiB", 120.0, crowd.peak if crowd else None)
