"""A drawing of lines, bars and words, as SVG text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

__all__ = ["Drawing"]

_FONT = "font-family='system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, sans-serif'"

Point = tuple[float, float]


@dataclass(slots=True)
class Drawing:
    """Pixels, from the top left."""

    width: float
    height: float
    parts: list[str] = field(default_factory=list)

    def rect(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        size = f"width='{width:.1f}' height='{height:.1f}'"
        self.parts.append(f"<rect x='{x:.1f}' y='{y:.1f}' {size} rx='2' fill='{fill}'/>")

    def line(self, start: Point, end: Point, stroke: str, width: float = 1, dash: str = "") -> None:
        (x1, y1), (x2, y2) = start, end
        dashed = f" stroke-dasharray='{dash}'" if dash else ""
        self.parts.append(
            f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' "
            f"stroke='{stroke}' stroke-width='{width:g}'{dashed}/>"
        )

    def curve(self, points: Sequence[Point], stroke: str, width: float, dash: str = "") -> None:
        """Straight from point to point, with a dot on each."""
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashed = f" stroke-dasharray='{dash}'" if dash else ""
        self.parts.append(
            f"<polyline points='{joined}' fill='none' stroke='{stroke}' stroke-width='{width:g}' "
            f"stroke-linejoin='round'{dashed}/>"
        )
        for x, y in points:
            self.parts.append(
                f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{width + 0.8:g}' fill='{stroke}'/>"
            )

    def text(
        self,
        at: Point,
        words: str,
        *,
        size: float = 12,
        fill: str = "#3a4350",
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Readable on lines too: its letters have a white edge."""
        weight = " font-weight='600'" if bold else ""
        edge = " stroke='#ffffff' stroke-width='3' paint-order='stroke'"
        x, y = at
        self.parts.append(
            f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size:g}' fill='{fill}' "
            f"text-anchor='{anchor}'{weight}{edge}>{escape(words)}</text>"
        )

    def svg(self, title: str) -> str:
        size = f"viewBox='0 0 {self.width:g} {self.height:g}' width='{self.width:g}'"
        head = f"<svg xmlns='http://www.w3.org/2000/svg' {size} role='img' {_FONT}>"
        ground = f"<rect width='{self.width:g}' height='{self.height:g}' fill='#ffffff'/>"
        return "\n".join([head, f"<title>{escape(title)}</title>", ground, *self.parts, "</svg>\n"])
