"""The results as one picture: processor time, memory, throughput, times, and what trouble costs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.benchmarks.measuring import Measured
from tests.benchmarks.scenes import SCENES, Step, closed
from tests.benchmarks.svg import Drawing
from tests.benchmarks.table import Results

__all__ = ["plot"]

COLOURS = {
    "gateway": "#d1495b",
    "floor": "#8d99a6",
    "floor+mail": "#5c6b7a",
    "node": "#2a9d6f",
    "fastapi": "#3d7ebf",
}
_WORDS, _FAINT, _GRID = "#1f2733", "#76808c", "#e3e7ec"
_WIDTH, _HEIGHT, _MARGIN = 1120.0, 1010.0, 40.0
_PANEL = ((_WIDTH - 3 * _MARGIN) / 2, 270.0)
AT_ONCE = closed(16)

Figure = Callable[[Measured], float]


@dataclass(frozen=True, slots=True)
class Panel:
    """A place in the drawing, with its heading."""

    drawing: Drawing
    x: float
    y: float
    width: float
    height: float

    def heading(self, words: str, under: str) -> None:
        self.drawing.text((self.x, self.y), words, size=15, fill=_WORDS, bold=True)
        self.drawing.text((self.x, self.y + 18), under, size=12, fill=_FAINT)


def plot(results: Results, told: str) -> str:
    """`told`: what was run, under the title."""
    drawing = Drawing(_WIDTH, _HEIGHT)
    drawing.text((_MARGIN, 44), "What a registration costs", size=22, fill=_WORDS, bold=True)
    drawing.text((_MARGIN, 66), told, size=12.5, fill=_FAINT)
    _legend(drawing, _names(results))
    panels = [
        Panel(drawing, _MARGIN + column * (_PANEL[0] + _MARGIN), 130 + row * 300.0, *_PANEL)
        for row in range(3)
        for column in range(2)
    ]
    _cost(panels[0], results)
    _memory(panels[1], results)
    _throughput(panels[2], results)
    _times(panels[3], results, "p50: half of the answers are quicker", lambda one: one.p50)
    _trouble(panels[4], results)
    _times(panels[5], results, "p99: one answer of a hundred is slower", lambda one: one.p99)
    return drawing.svg("What a registration costs")


def _names(results: Results) -> list[str]:
    """The known ones first, in their order."""
    found = dict.fromkeys(name for _, _, name in results.measured)
    return sorted(found, key=lambda name: [*COLOURS, name].index(name))


def _colour(name: str) -> str:
    return COLOURS.get(name, "#9b6fb0")


def _legend(drawing: Drawing, names: Sequence[str]) -> None:
    x = _MARGIN
    for name in names:
        drawing.rect(x, 84, 12, 12, _colour(name))
        drawing.text((x + 18, 94), name, size=12.5, fill=_WORDS, bold=name == "gateway")
        x += 44 + 7.6 * len(name)


def _cost(panel: Panel, results: Results) -> None:
    panel.heading("Processor time", "ms of CPU a registration, 16 at once, all channels well")
    limits = []
    for other, factor in (("floor", 2.6), ("node", 1.0)):
        if against := results.median("healthy", AT_ONCE, other):
            limits.append((f"{factor:g} × {other}", factor * against.cpu))
    _bars(panel, results, AT_ONCE, lambda one: one.cpu, "{:.2f}", limits)


def _memory(panel: Panel, results: Results) -> None:
    crowds = [step for scene, step, _ in results.measured if scene == "healthy" and not step.rate]
    step = max((s for s in crowds if not s.delay), key=lambda s: s.concurrency, default=AT_ONCE)
    panel.heading("Memory", f"most MiB resident, up to {step.name}")
    _bars(panel, results, step, lambda one: one.peak, "{:.0f}", [("120", 120.0)])


def _bars(
    panel: Panel,
    results: Results,
    step: Step,
    figure: Figure,
    shown: str,
    limits: Sequence[tuple[str, float]],
) -> None:
    """A bar for each, with the range of the rounds, and dashed limits for the gateway."""
    measured = {
        name: sorted(figure(one) for one in results.measured[key])
        for name in _names(results)
        if (key := ("healthy", step, name)) in results.measured
    }
    if not measured:
        return
    most = max(*(max(each) for each in measured.values()), *(limit for _, limit in limits), 0.0)
    left, scale = panel.x + 80, (panel.width - 140) / most
    _limits(panel, limits, left, scale, len(measured))
    middles = {name: figure(_median(results, step, name)) for name in measured}
    for number, (name, middle) in enumerate(sorted(middles.items(), key=lambda pair: pair[1])):
        y, each = panel.y + 40 + number * 36, measured[name]
        panel.drawing.text(
            (left - 10, y + 16), name, anchor="end", fill=_WORDS, bold=name == "gateway"
        )
        panel.drawing.rect(left, y, middle * scale, 22, _colour(name))
        ends = (left + each[0] * scale, y + 11), (left + each[-1] * scale, y + 11)
        panel.drawing.line(*ends, _WORDS, 1.5)
        at = max(middle, each[-1]) * scale + left + 8
        panel.drawing.text((at, y + 16), shown.format(middle), fill=_WORDS, bold=True)


def _limits(
    panel: Panel, limits: Sequence[tuple[str, float]], left: float, scale: float, rows: int
) -> None:
    """Dashed lines; the words of the first stand to the left of it, of others to the right."""
    for number, (words, limit) in enumerate(sorted(limits, key=lambda pair: pair[1])):
        x, colour, top = left + limit * scale, COLOURS["gateway"], panel.y + 32
        bottom = top + 8 + 36 * rows
        panel.drawing.line((x, top), (x, bottom), colour, 1.2, "4 3")
        first = number == 0 and len(limits) > 1
        at = (x - 5 if first else x + 5, bottom)
        panel.drawing.text(at, words, size=11, fill=colour, anchor="end" if first else "start")


def _median(results: Results, step: Step, name: str) -> Measured:
    found = results.median("healthy", step, name)
    assert found is not None
    return found


def _throughput(panel: Panel, results: Results) -> None:
    panel.heading("Throughput", "registrations a second, by how many are sent at once")
    _curves(panel, results, lambda one: one.per_second, logarithmic=False)


def _times(panel: Panel, results: Results, words: str, figure: Figure) -> None:
    panel.heading(words, "ms, by how many are sent at once; logarithmic")
    _curves(panel, results, figure, logarithmic=True)


def _curves(panel: Panel, results: Results, figure: Figure, *, logarithmic: bool) -> None:
    """Over the concurrencies, each as far from the next as the others."""
    crowds = sorted(
        {
            step.concurrency
            for scene, step, _ in results.measured
            if scene == "healthy" and step == closed(step.concurrency)
        }
    )
    curves = {
        name: [
            (many, figure(found))
            for many in crowds
            if (found := results.median("healthy", closed(many), name))
            if 0 < figure(found) < math.inf
        ]
        for name in _names(results)
    }
    values = [value for points in curves.values() for _, value in points]
    if not values:
        return
    axis = _Axis.over(values, panel, logarithmic=logarithmic)
    _grid(panel, axis, crowds)
    for name, points in curves.items():
        places = [(_place(panel, crowds, many), axis.place(value)) for many, value in points]
        panel.drawing.curve(places, _colour(name), 2.6 if name == "gateway" else 1.8)


def _place(panel: Panel, crowds: Sequence[int], many: int) -> float:
    step = (panel.width - 70) / max(1, len(crowds) - 1)
    return panel.x + 48 + crowds.index(many) * step


@dataclass(frozen=True, slots=True)
class _Axis:
    """Upward; `ticks` are values."""

    bottom: float
    height: float
    ticks: Sequence[float]
    logarithmic: bool

    @classmethod
    def over(cls, values: Sequence[float], panel: Panel, *, logarithmic: bool) -> "_Axis":
        most, bottom, height = max(values), panel.y + panel.height - 36, panel.height - 76
        if logarithmic:
            low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(most))
            return cls(bottom, height, [10.0**power for power in range(low, high + 1)], True)
        unit = 10.0 ** math.floor(math.log10(most))
        step = next(unit * part for part in (0.1, 0.2, 0.5, 1, 2) if most / (unit * part) <= 6)
        return cls(bottom, height, [step * n for n in range(math.ceil(most / step) + 1)], False)

    def place(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return self.bottom - self.height * (value - low) / (high - low)


def _grid(panel: Panel, axis: _Axis, crowds: Sequence[int]) -> None:
    left, right = panel.x + 40, panel.x + panel.width - 14
    for tick in axis.ticks:
        y = axis.place(tick)
        panel.drawing.line((left, y), (right, y), _GRID)
        panel.drawing.text((left - 6, y + 4), f"{tick:g}", size=11, fill=_FAINT, anchor="end")
    for many in crowds:
        at = (_place(panel, crowds, many), axis.bottom + 18)
        panel.drawing.text(at, str(many), size=11, fill=_FAINT, anchor="middle")


def _trouble(panel: Panel, results: Results) -> None:
    """The gateway's own bars, one for each scene, and who else takes part."""
    panel.heading("In other scenes", "ms of CPU a registration, 16 at once")
    rows = [
        (scene, name, found)
        for scene in SCENES.values()
        for name in _names(results)
        if (found := results.median(scene.name, AT_ONCE, name))
        if name == "gateway" or scene.name == "shopify"
    ]
    if not rows:
        return
    scale = (panel.width - 300) / max(found.cpu for _, _, found in rows)
    for number, (scene, name, found) in enumerate(rows):
        y, left = panel.y + 40 + number * 30, panel.x + 240
        words = f"{name}: {scene.told}"
        panel.drawing.text((left - 10, y + 13), words, size=11.5, anchor="end", fill=_WORDS)
        panel.drawing.rect(left, y, found.cpu * scale, 17, _colour(name))
        at = (left + found.cpu * scale + 8, y + 13)
        panel.drawing.text(at, f"{found.cpu:.2f}", fill=_WORDS, bold=True)
