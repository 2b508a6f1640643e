"""A symbol as SVG, with the number in readable type; and as a small PNG, for mail."""

import re
import struct
import zlib
from functools import lru_cache
from html import escape

from gateway.card.symbol import Symbol, draw

__all__ = ["code128_png", "svg"]

_MARGIN, _LINE = 12, 24
"""CSS pixels: white above Code 128 and below the number, which has a line of its own."""
_LARGEST_TYPE, _WIDTH_OF_TYPE = 20.0, 0.68
"""CSS pixels; width of a monospaced character with its spacing, in heights."""


@lru_cache(256)
def svg(number: str, form: str) -> bytes:
    """The card as a picture of its own: white also where the page is dark, titled for readers.

    Edges are left to antialiasing: at odd sizes it keeps the widths of bars, rounding would not.
    """
    symbol = draw(number, form)
    unit, quiet = symbol.module, symbol.quiet * symbol.module
    # Code 128 needs no quiet zone above and below, QR needs it on all sides.
    above, gap = (quiet, quiet) if len(symbol.rows) > 1 else (_MARGIN, 4)
    width = len(symbol.rows[0]) * unit + 2 * quiet
    line = above + len(symbol.rows) * symbol.row_height * unit + gap
    height = line + _LINE + _MARGIN
    size = min(_LARGEST_TYPE, (width - 16) / (len(number) * _WIDTH_OF_TYPE))
    shown = escape(number)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">\n'
        f'<title id="title">会員番号 {shown}</title>\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n'
        f'<path fill="#000" d="{_path(symbol, quiet, above)}"/>\n'
        f'<text x="{width / 2:g}" y="{line + 18}" fill="#000" text-anchor="middle"'
        f' font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"'
        f' font-size="{size:.3g}" letter-spacing="{size * 0.08:.2g}" xml:space="preserve">'
        f"{shown}</text>\n</svg>\n"
    ).encode()


def _path(symbol: Symbol, left: int, top: int) -> str:
    """Each run of dark modules as one rectangle, so that no seam is left between them."""
    unit, tall = symbol.module, symbol.row_height * symbol.module
    return "".join(
        f"M{left + run.start() * unit} {top + number * tall}h{len(run[0]) * unit}v{tall}"
        f"h-{len(run[0]) * unit}z"
        for number, row in enumerate(symbol.rows)
        for run in re.finditer("1+", row)
    )


_HIGH = 144
"""Pixels: sharp where a phone has three of them to a CSS pixel, as its modules are with four."""
_INK = str.maketrans("01", "f0")
"""A module, dark or not -> its four pixels, one bit each: a hexadecimal digit."""
_BASE = 65521
"""Of Adler-32 (RFC 1950, 8.2)."""


def code128_png(number: str) -> bytes:
    """The bars with their quiet zone, one bit a pixel; ValueError as `draw`.

    By hand, since it is a single row repeated (PNG filter 2: as above) and is made for each mail:
    only the first row differs. It is stored as it is (RFC 1951, 3.2.4); the rows below it are
    compressed once, and summed up once.
    """
    symbol = draw(number, "code128")
    quiet = "f" * symbol.quiet
    row = f"{quiet}{symbol.rows[0].translate(_INK)}{quiet}"
    start, size, sums, compressed = _around(len(row))
    first = b"\0" + bytes.fromhex(row + "f" * (len(row) % 2))
    stored = struct.pack("<BHH", 0, len(first), 0xFFFF ^ len(first)) + first
    high, low = divmod(zlib.adler32(first), 65536)
    high, low = (high + sums[0] + size * (low - 1)) % _BASE, (low + sums[1] - 1) % _BASE
    check = struct.pack(">HH", high, low)
    return start + _chunk(b"IDAT", b"\x78\x01" + stored + compressed + check) + _END


@lru_cache(64)
def _around(modules: int) -> tuple[bytes, int, tuple[int, int], bytes]:
    """Of a picture so wide: all before the data; and of the rows that repeat the first their size,
    the two sums of their Adler-32, and their deflate stream.
    """
    header = struct.pack(">IIBBBBB", modules * 4, _HIGH, 1, 0, 0, 0, 0)
    rows = (b"\2" + bytes(-(-modules // 2))) * (_HIGH - 1)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header),
        len(rows),
        divmod(zlib.adler32(rows), 65536),
        packer.compress(rows) + packer.flush(),
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


_END = _chunk(b"IEND", b"")
