"""Barcodes as rows of modules: Code 128 by python-barcode, QR by segno."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import segno
from barcode.codex import Code128
from barcode.writer import SVGWriter

__all__ = ["FORMATS", "Symbol", "draw", "is_scannable"]

LONGEST = 40
"""Characters; Smaregi's numbers have 20 at most."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """`rows` of `0` and `1` (dark), each `row_height` modules high, `quiet` modules around them.

    `module` is the size at which it is shown, in CSS pixels; it may be shown smaller or larger.
    """

    rows: tuple[str, ...]
    row_height: int
    quiet: int
    module: int


def is_scannable(number: str) -> bool:
    """Whether Code 128 can hold it: printable ASCII, as Smaregi's numbers are."""
    return 0 < len(number) <= LONGEST and all(" " <= character <= "~" for character in number)


class _Code128(Code128):  # type: ignore[misc]  # the library has no types
    """The library (0.16.1) takes a first pair of digits `99` for the switch of that value."""

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        first_pair = self.code.startswith("99")
        return encoded if first_pair else list(super()._try_to_optimize(encoded))


# A barcode object makes a writer of its own unless it is given one; nothing is written with it.
_NO_WRITER = SVGWriter()


def _code128(number: str) -> Symbol:
    """ISO/IEC 15417: ten modules of quiet zone on each side."""
    rows = tuple(_Code128(number, writer=_NO_WRITER).build())
    return Symbol(rows, row_height=44, quiet=10, module=2)


def _qr(number: str) -> Symbol:
    """ISO/IEC 18004: four modules of quiet zone; level M or better."""
    code = segno.make(number, error="m", micro=False)
    rows = tuple("".join("1" if dark else "0" for dark in row) for row in code.matrix)
    return Symbol(rows, row_height=1, quiet=4, module=8)


FORMATS: Mapping[str, Callable[[str], Symbol]] = {"code128": _code128, "qr": _qr}


def draw(number: str, form: str) -> Symbol:
    """`form` is one of FORMATS; ValueError for a number that is not scannable."""
    if not is_scannable(number):
        raise ValueError("a barcode holds printable ASCII")
    return FORMATS[form](number)
