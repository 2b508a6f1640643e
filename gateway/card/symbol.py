"""Barcodes as rows of modules: Code 128 by the table of python-barcode, QR by segno."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import segno
from barcode.charsets.code128 import CODES, STOP

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


_START_B, _START_C, _TO_B = 104, 105, 100
_END = "11"
"""The bar that ends the stop pattern."""


def _code128(number: str) -> Symbol:
    """ISO/IEC 15417: digits in pairs, else a symbol for each character; ten modules of quiet zone
    on each side.
    """
    if number.isdigit():
        even = len(number) // 2 * 2
        values = [_START_C, *(int(number[at : at + 2]) for at in range(0, even, 2))]
        values += [_TO_B, ord(number[-1]) - 32] if len(number) > even else []
    else:
        values = [_START_B, *(ord(character) - 32 for character in number)]
    check = (values[0] + sum(place * value for place, value in enumerate(values))) % 103
    row = "".join([CODES[value] for value in (*values, check)]) + STOP + _END
    return Symbol((row,), row_height=44, quiet=10, module=2)


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
