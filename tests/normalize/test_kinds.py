"""Addresses as people write them, kind by kind, in `kinds.txt`: every part judged strictly."""

import re
from pathlib import Path

import pytest

from gateway.normalize import ParsedAddress, parse_address, parse_line
from tests.normalize.comparison import same

TEXT = re.sub(
    r"\\u([0-9A-F]{4})",
    lambda escape: chr(int(escape[1], 16)),
    Path(__file__).with_name("kinds.txt").read_text(encoding="utf-8"),
)
KINDS = dict(
    section.split("\n", maxsplit=1) for section in re.split("^## ", TEXT, flags=re.MULTILINE)[1:]
)
FIELDS = ("prefecture", "city", "address1", "address2", "postal_code")


def read(text: str) -> ParsedAddress:
    if ";" not in text:
        return parse_line(text)
    return parse_address(**dict(zip(FIELDS, map(str.strip, text.split(";")), strict=False)))


def parts(address: ParsedAddress) -> list[str]:
    prefecture = address.prefecture.ja if address.prefecture else ""
    return [prefecture, address.city, address.town, address.block, address.building]


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_comes_to_its_place(kind: str) -> None:
    wrong = []
    rows = [row.split("|") for row in KINDS[kind].splitlines() if row]
    for text, *expected in rows:
        found = read(text)
        if not (found.understood and all(map(same, parts(found), expected))):
            wrong.append((text, parts(found)))
    assert len(rows) > 10
    assert wrong == []


def test_a_numeral_without_town_and_unit_is_a_name() -> None:
    assert parts(parse_line("福島県田村市三十八")) == ["福島県", "田村市", "三十八", "", ""]
