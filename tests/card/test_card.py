"""The card scanned: what a till reads of it is the member number, whatever that is."""

import string
import struct
import zlib
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.card import FORMATS, code128_png, draw, is_scannable, svg
from tests.card.scanner import on_screen, picture, scan

PRINTABLE = "".join(map(chr, range(32, 127)))
NUMBERS = [
    "7000000000001",
    "70000000000012",
    "0012345",
    "1",
    "A",
    "12AB34567C",
    "<&>\"'",
    "a  b ",
    " 12",
    "~" * 20,
    "9" * 20,
    "99000000000012",
    "9",
]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("number", NUMBERS)
def test_the_card_is_read_by_a_scanner(number: str, form: str) -> None:
    for width in (None, 640, 1111):
        assert scan(on_screen(svg(number, form), width)) == [(form, number.encode())]


ORDINARY = ["7000000000001", "7318264950372", "8123456789012", "70000000000012", "9007199254740991"]


@pytest.mark.parametrize("number", ORDINARY)
def test_the_card_at_its_own_size_is_read_where_a_pixel_is_a_point(number: str) -> None:
    """As the documents say: 286 CSS pixels for 13 digits, two whole ones for each narrowest bar."""
    shown = on_screen(svg(number, "code128"))
    assert shown.width == 286 or len(number) != 13
    assert scan(shown) == [("code128", number.encode())]


@pytest.mark.parametrize("density", [2, 2.625, 3])
@pytest.mark.parametrize("number", ORDINARY)
def test_the_card_is_read_from_240_points_on_a_sharper_screen(number: str, density: float) -> None:
    for points in (240, 254, 271):
        shown = on_screen(svg(number, "code128"), round(points * density))
        assert scan(shown) == [("code128", number.encode())]


@pytest.mark.parametrize("number", ORDINARY)
def test_the_qr_card_is_read_from_120_points_on_any_screen(number: str) -> None:
    for width in (120, 137, 199, 240, 480):
        assert scan(on_screen(svg(number, "qr"), width)) == [("qr", number.encode())]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_picture_in_the_mail_is_read_by_a_scanner(number: str) -> None:
    shown = picture(code128_png(number))
    assert scan(shown) == [("code128", number.encode())]
    narrow = shown.resize((shown.width * 3 // 4, shown.height))
    assert scan(narrow) == [("code128", number.encode())]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_picture_in_the_mail_holds_what_its_check_sums_say(number: str) -> None:
    """Some readers look at them, others do not: the bars are read without."""
    png, chunks = code128_png(number), dict[bytes, bytes]()
    at = 8
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        chunks[kind] = png[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + chunks[kind]) == struct.unpack_from(">I", png, at + 8 + size)[0]
        at += 12 + size
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    assert len(zlib.decompress(chunks[b"IDAT"])) == height * (1 + -(-width // 8))


@settings(max_examples=60)
@given(
    st.text(st.sampled_from(PRINTABLE) | st.sampled_from(string.digits), min_size=1, max_size=20)
)
def test_any_number_that_smaregi_takes_is_read_back(number: str) -> None:
    assert scan(picture(code128_png(number))) == [("code128", number.encode())]
    ET.fromstring(svg(number, "code128"))


def test_every_pattern_of_the_standard_is_read_back() -> None:
    """Each character, each pair of digits, and the check symbols that these lead to."""
    pairs = [f"{number:02}" * 2 for number in range(100)]
    for number in [*(PRINTABLE[at : at + 19] for at in range(0, 95, 19)), *pairs]:
        assert scan(picture(code128_png(number))) == [("code128", number.encode())]


@pytest.mark.parametrize("form", FORMATS)
def test_the_quiet_zone_is_white_in_a_dark_page(form: str) -> None:
    shown, symbol = on_screen(svg("7000000000001", form)), draw("7000000000001", form)
    quiet = symbol.quiet * symbol.module
    height = len(symbol.rows) * symbol.row_height * symbol.module
    for left in (0, shown.width - quiet):
        assert shown.crop((left, 0, left + quiet, height)).getextrema() == (255, 255)
    if form == "qr":
        below = quiet + height
        assert shown.crop((0, below, shown.width, below + quiet)).getextrema() == (255, 255)


@pytest.mark.parametrize("number", ["7000000000001", "<b>&amp;\"'", "a  b "])
def test_the_card_shows_and_tells_its_number(number: str) -> None:
    root = ET.fromstring(svg(number, "code128"))
    title, text = (root.find(f"{{http://www.w3.org/2000/svg}}{name}") for name in ("title", "text"))
    assert title is not None
    assert text is not None
    assert text.text == number
    assert (title.text or "").endswith(number)
    assert root.get("role") == "img"


@pytest.mark.parametrize("number", ["", "会員1", "12\n3", "12\x7f", "1" * 41])
def test_what_no_till_has_is_no_barcode(number: str) -> None:
    assert not is_scannable(number)
    with pytest.raises(ValueError, match="ASCII"):
        code128_png(number)
