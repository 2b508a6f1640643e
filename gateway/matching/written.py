"""Rows that are in the index as Smaregi gives them: the overlap shows the newest ones again."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.matching.match_keys import instant

__all__ = ["WrittenRows"]

_REMEMBERED = 4000
"""Rows whose fingerprints are kept."""

Row = Mapping[str, Any]


class WrittenRows:
    """A row that a later refresh has met is news to no earlier one: within the same second the
    time stamps do not tell which is newer. Refreshes are numbered in the order of their beginning.
    """

    def __init__(self) -> None:
        # customerId as it came -> fingerprint of its row, and the latest refresh that met it
        self._rows: dict[Any, tuple[int, int]] = {}

    def is_news(self, row: Row, refresh: int) -> bool:
        fingerprint, later = self._rows.get(row["customerId"], (None, 0))
        return later <= refresh and fingerprint != _fingerprint(row)

    def note(self, rows: Iterable[Row], refresh: int, oldest: float) -> None:
        """Only rows as new as the overlap (`oldest`) matter; others are forgotten now and then."""
        if len(self._rows) > _REMEMBERED:
            self._rows.clear()
        for row in rows:
            _, later = self._rows.get(row["customerId"], (None, 0))
            if later <= refresh and instant(str(row.get("updDateTime") or "")) >= oldest:
                self._rows[row["customerId"]] = _fingerprint(row), refresh

    def clear(self) -> None:
        self._rows.clear()


def _fingerprint(row: Row) -> int:
    return hash(tuple(row.items()))  # a column may be left out
