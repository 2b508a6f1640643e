"""The municipalities, towns and postal codes of Japan, in one file; README.md says whence."""

from pathlib import Path
from typing import Final

__all__ = ["FILE"]

FILE: Final = Path(__file__).with_name("places.jsonl")
"""Lines of JSON, read by `gateway.normalize.places` and written by `making`:

1. `source`; `municipalities`, each with its prefecture; `names`: each folded name of a municipality
   and the numbers of those that bear it, counted from 0
2. columns of two tables: the type of `array`, and its little-endian bytes in base64.
   A row for each postal code and place that it is of, in the order of the codes: the code, the
   municipality's number, and where the town's name begins in its `packed`, or 0 where it is of no
   single town.
   A row for each town whose name one municipality of its prefecture alone has, in the order of the
   hashes of `gateway.normalize.places`: the hash, and the municipality's number
3. and on: for each municipality its towns, as `gateway.normalize.places.City` has them: `packed`,
   `otherwise`, `going_on` and `initials`
"""
