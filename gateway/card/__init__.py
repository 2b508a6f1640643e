"""The member card: a member number as a barcode that tills read, drawn as SVG or PNG."""

from gateway.card.drawing import code128_png, svg
from gateway.card.symbol import FORMATS, Symbol, draw, is_scannable

__all__ = ["FORMATS", "Symbol", "code128_png", "draw", "is_scannable", "svg"]
