"""The results of all rounds, and the table of their medians."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from tests.benchmarks.measuring import Measured

__all__ = ["Results", "table"]

_HEAD = ("", "CPU ms", "/ floor", "/ node", "per s", "p50 ms", "p99 ms", "MiB", "failed")


@dataclass(slots=True)
class Results:
    """By scene, step and contestant, in the order in which they were measured first."""

    measured: dict[tuple[str, str, str], list[Measured]] = field(default_factory=dict)

    def add(self, scene: str, step: str, contestant: str, one: Measured) -> None:
        self.measured.setdefault((scene, step, contestant), []).append(one)

    def median(self, scene: str, step: str, contestant: str) -> Measured | None:
        """Of each figure by itself; None where it was not measured."""
        found = self.measured.get((scene, step, contestant))
        if found is None:
            return None
        figures = (statistics.median(getattr(m, f.name) for m in found) for f in fields(Measured))
        return Measured(*figures)

    def blocks(self) -> Iterator[tuple[str, str, list[str]]]:
        """Scene, step and whoever was measured there."""
        found: dict[tuple[str, str], list[str]] = {}
        for scene, step, contestant in self.measured:
            found.setdefault((scene, step), []).append(contestant)
        for (scene, step), names in found.items():
            yield scene, step, names


def table(results: Results) -> str:
    return "\n\n".join(_block(results, *block) for block in results.blocks())


def _block(results: Results, scene: str, step: str, names: list[str]) -> str:
    rows = [_row(results, scene, step, name) for name in names]
    widths = [max(len(row[column]) for row in (_HEAD, *rows)) for column in range(len(_HEAD))]
    lines = [f"{scene}, {step}"]
    for first, *rest in (_HEAD, *rows):
        cells = (text.rjust(width) for text, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join([f"  {first.ljust(widths[0])}", *cells]))
    return "\n".join(lines)


def _row(results: Results, scene: str, step: str, name: str) -> tuple[str, ...]:
    one = results.median(scene, step, name)
    assert one is not None
    return (
        name,
        f"{one.cpu:.2f}",
        _ratio(one, results.median(scene, step, "floor")),
        _ratio(one, results.median(scene, step, "node")),
        f"{one.per_second:.0f}",
        f"{one.p50:.1f}",
        f"{one.p99:.1f}",
        f"{one.peak:.0f}",
        f"{one.failed:.0f}",
    )


def _ratio(one: Measured, other: Measured | None) -> str:
    return f"{one.cpu / other.cpu:.2f}" if other else "-"
