"""A till's scanner: pictures as a screen shows them, read by a barcode library (ZXing)."""

import io

import resvg_py
import zxingcpp
from PIL import Image

__all__ = ["on_screen", "picture", "scan"]

KINDS = ((zxingcpp.BarcodeFormat.Code128, "code128"), (zxingcpp.BarcodeFormat.QRCode, "qr"))


def on_screen(svg: bytes, width: int | None = None) -> Image.Image:
    """An SVG as a screen shows it, `width` pixels wide; at its own size without."""
    return picture(bytes(resvg_py.svg_to_bytes(svg_string=svg.decode(), width=width)))


def picture(png: bytes) -> Image.Image:
    """In grey on black: what a picture leaves transparent is dark there."""
    opened = Image.open(io.BytesIO(png)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", opened.size, "black"), opened).convert("L")


def scan(shown: Image.Image) -> list[tuple[str, bytes]]:
    """(format, content) of each barcode in it; the page around it is dark."""
    page = Image.new("L", (shown.width + 60, shown.height + 60), 0)
    page.paste(shown, (30, 30))
    # Its own smaller copies of a picture are another picture, and too coarse to be read surely.
    found = zxingcpp.read_barcodes(page, try_downscale=False)
    return [(name, one.bytes) for one in found for kind, name in KINDS if one.format == kind]
