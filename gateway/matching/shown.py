"""Rows that a refresh shows again, since it looks back a little: those written already."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.matching.rows import instant

__all__ = ["Shown", "stamp_of"]

_REMEMBERED = 4000
"""Rows whose fingerprints are kept."""

Row = Mapping[str, Any]


class Shown:
    def __init__(self) -> None:
        self._written: dict[Any, int] = {}  # customerId as it came -> fingerprint of its row

    def news(self, page: Iterable[Row]) -> list[Row]:
        """The rows that are not as they were written."""
        written = self._written.get
        return [row for row in page if written(row["customerId"]) != _fingerprint(row)]

    def note(self, rows: Iterable[Row], oldest: float) -> None:
        """Rows that were written. Only those as new as `oldest` matter; the others are forgotten
        now and then.
        """
        if len(self._written) > _REMEMBERED:
            self._written.clear()
        for row in rows:
            if stamp_of(row) >= oldest:
                self._written[row["customerId"]] = _fingerprint(row)

    def forget(self) -> None:
        self._written.clear()


def _fingerprint(row: Row) -> int:
    return hash(tuple(row.items()))  # a column may be left out


def stamp_of(row: Row) -> float:
    return instant(str(row.get("updDateTime") or ""))
