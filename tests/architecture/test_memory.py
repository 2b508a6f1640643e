"""What is remembered of the people who came does not grow with their number."""

import sys
from collections.abc import Iterator
from typing import Any

from gateway import REMEMBERED
from gateway.matching.match_keys import MemberHasher
from gateway.normalize import address_key, parse_line
from gateway.normalize.places import places
from tests.benchmarks.members import made


def caches() -> Iterator[tuple[str, Any]]:
    """Of functions, wherever they are; and of the hasher's own."""
    for name, module in list(sys.modules.items()):
        if name.startswith("gateway."):
            for one in vars(module).values():
                if hasattr(one, "cache_info"):
                    yield f"{one.__module__}.{one.__qualname__}", one


def test_no_cache_keeps_more_than_some_people_or_the_places_of_japan() -> None:
    hasher = MemberHasher(b"k" * 32)
    for row in made(2500):
        hasher.values(row)
        address_key(parse_line(row["address"] or ""))
    most = max(REMEMBERED, len(places().cities))
    seen = {name: one.cache_info() for name, one in caches()}
    assert "gateway.normalize.digest._place_of_code" in seen
    assert {name: info for name, info in seen.items() if info.currsize > most} == {}
    for own in (hasher._birth, hasher._postal):
        assert own.cache_info().currsize <= REMEMBERED
