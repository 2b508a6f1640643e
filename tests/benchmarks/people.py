"""Sign-ups of people who are all different, as a shop's are; always the same ones."""

import random
from collections.abc import Iterator
from datetime import date
from typing import Any

from tests.benchmarks.members import SEED, a_name, one_of, street, towns
from tests.world import registration

__all__ = ["sign_ups"]


def sign_ups(first: int, count: int) -> Iterator[dict[str, Any]]:
    """People `first` and the `count - 1` after; each with an e-mail and a mobile of their own."""
    rng, where = random.Random(SEED + first), towns()
    for number in range(first, first + count):
        last_name, first_name, last_kana, first_kana = a_name(rng)
        town = one_of(rng, where)
        yield registration(
            last_name=last_name,
            first_name=first_name,
            last_kana=last_kana,
            first_kana=first_kana,
            email=f"person{number}@example.com",
            phone=f"090-{1000 + number // 10000:04}-{number % 10000:04}",
            birth_date=date(
                rng.randrange(1935, 2010), rng.randrange(1, 13), number % 28 + 1
            ).isoformat(),
            address={
                "country": "JP",
                "postal_code": town.postal_code,
                "prefecture": town.prefecture,
                "city": town.city,
                "address1": street(rng, town),
            },
        )
