"""The results of all rounds, and the table of their medians."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter

from tests.benchmarks.measuring import Measured, ratio
from tests.benchmarks.scenes import DELAYED, STEADY, Step

__all__ = ["Results", "table"]

_HEAD = ("", "CPU ms", "/ floor", "/ node", "per s", "p50 ms", "p99 ms", "MiB", "failed")
_FURTHER: dict[Step, dict[str, Callable[[Measured], float]]] = {
    DELAYED: {"added p50 ms": attrgetter("added")},
    STEADY: {"members' p99 ms": attrgetter("members"), "mails' p99 ms": attrgetter("mails")},
}
"""Further columns for these steps."""


@dataclass(slots=True)
class Results:
    """By scene, step and contestant, in the order in which they were measured first."""

    measured: dict[tuple[str, Step, str], list[Measured]] = field(default_factory=dict)

    def add(self, scene: str, step: Step, contestant: str, one: Measured) -> None:
        self.measured.setdefault((scene, step, contestant), []).append(one)

    def median(self, scene: str, step: Step, contestant: str) -> Measured | None:
        """Of each figure by itself; None where it was not measured."""
        found = self.measured.get((scene, step, contestant))
        if found is None:
            return None
        figures = (statistics.median(getattr(m, f.name) for m in found) for f in fields(Measured))
        return Measured(*figures)

    def blocks(self) -> Iterator[tuple[str, Step, list[str]]]:
        """Scene, step and whoever was measured there."""
        found: dict[tuple[str, Step], list[str]] = {}
        for scene, step, contestant in self.measured:
            found.setdefault((scene, step), []).append(contestant)
        for (scene, step), names in found.items():
            yield scene, step, names


def table(results: Results) -> str:
    return "\n\n".join(_block(results, *block) for block in results.blocks())


def _block(results: Results, scene: str, step: Step, names: list[str]) -> str:
    further = _FURTHER.get(step, {})
    head = (*_HEAD, *further)
    rows = [head]
    for name in names:
        one = results.median(scene, step, name)
        assert one is not None
        others = [results.median(scene, step, other) for other in ("floor", "node")]
        more = (f"{figure(one):.1f}" for figure in further.values())
        rows.append((name, *_figures(one, others), *more))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [f"{scene}, {step.name}"]
    for first, *rest in rows:
        cells = (text.rjust(width) for text, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join([f"  {first.ljust(widths[0])}", *cells]))
    return "\n".join(lines)


def _figures(one: Measured, others: Sequence[Measured | None]) -> tuple[str, ...]:
    ratios = (ratio(one.cpu, other.cpu) if other else None for other in others)
    return (
        f"{one.cpu:.2f}",
        *("-" if times is None else f"{times:.2f}" for times in ratios),
        f"{one.per_second:.0f}",
        f"{one.p50:.1f}",
        f"{one.p99:.1f}",
        f"{one.peak:.0f}",
        f"{one.failed:.0f}",
    )
