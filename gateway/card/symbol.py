"""Barcodes as rows of modules: Code 128 by the standard's table, QR by segno."""

from collections.abc import Callable, Mapping
from itertools import count
from operator import mul

from gateway import frozen

__all__ = ["FORMATS", "Symbol", "draw", "is_scannable"]

LONGEST = 40
"""Characters; Smaregi's numbers have 20 at most."""


@frozen
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
    return 0 < len(number) <= LONGEST and number.isascii() and number.isprintable()


def _modules(widths: str) -> str:
    """A bar, a space, a bar and so on, each so many modules wide."""
    return "".join("01"[place % 2] * int(width) for place, width in enumerate(widths, 1))


_WIDTHS = """
    212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212
    112232 122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131
    311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321
    112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121
    313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111
    314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114
    122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212
    124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113
    114311 411113 411311 113141 114131 311141 411131 211412 211214 211232
"""
# A library has the same table, but loads an imaging library with it: 6 MB in each process.
_CODES = [_modules(widths) for widths in _WIDTHS.split()]
"""By value, 0 to 105 (ISO/IEC 15417, table 1)."""
_START_B, _START_C, _TO_B = 104, 105, 100
_STOP = _modules("2331112")


def _code128(number: str) -> Symbol:
    """ISO/IEC 15417: digits in pairs, else a symbol for each character; ten modules of quiet zone
    on each side.
    """
    if number.isdigit():
        even = len(number) // 2 * 2
        values = [_START_C, *[int(number[at : at + 2]) for at in range(0, even, 2)]]
        values += [_TO_B, ord(number[-1]) - 32] if len(number) > even else []
    else:
        values = [_START_B, *(ord(character) - 32 for character in number)]
    check = (values[0] + sum(map(mul, count(), values))) % 103
    row = "".join(map(_CODES.__getitem__, (*values, check))) + _STOP
    return Symbol((row,), row_height=44, quiet=10, module=2)


def _qr(number: str) -> Symbol:
    """ISO/IEC 18004: four modules of quiet zone; level M or better."""
    import segno  # noqa: PLC0415 - loads an XML library; few ask for this form

    code = segno.make(number, error="m", micro=False)
    rows = tuple("".join("1" if dark else "0" for dark in row) for row in code.matrix)
    return Symbol(rows, row_height=1, quiet=4, module=8)


FORMATS: Mapping[str, Callable[[str], Symbol]] = {"code128": _code128, "qr": _qr}


def draw(number: str, form: str) -> Symbol:
    """`form` is one of FORMATS; ValueError for a number that is not scannable."""
    if not is_scannable(number):
        raise ValueError("a barcode holds printable ASCII")
    return FORMATS[form](number)
