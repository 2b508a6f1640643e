"""Rows that are in the index as Smaregi gives them: the overlap shows the newest ones again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.matching.match_keys import instant

__all__ = ["WrittenRows"]

_REMEMBERED = 4000
"""Rows whose fingerprints are kept."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Met:
    """What a refresh met: each row's `customerId` as it came, time stamp and fingerprint."""

    refresh: int
    news: list[Row]
    known_by: list[tuple[Any, str, int]]


class WrittenRows:
    """A row that a later refresh has met is news to no earlier one: within the same second the
    time stamps do not tell which is newer. Refreshes are numbered in the order of their beginning.
    """

    def __init__(self) -> None:
        # customerId as it came -> fingerprint of its row, and the latest refresh that met it
        self._rows: dict[Any, tuple[int, int]] = {}

    def meet(self, rows: Sequence[Row], refresh: int) -> _Met:
        """In a busy shop most rows are known already: they cost a fingerprint and no more."""
        known_by, news = [], []
        for row in rows:
            member, fingerprint = row["customerId"], _fingerprint(row)
            known_by.append((member, str(row.get("updDateTime") or ""), fingerprint))
            known, later = self._rows.get(member, (None, 0))
            if later <= refresh and known != fingerprint:
                news.append(row)
        return _Met(refresh, news, known_by)

    def note(self, met: _Met, oldest: float) -> None:
        """Only rows as new as the overlap (`oldest`) matter; others are forgotten now and then."""
        if len(self._rows) > _REMEMBERED:
            self._rows.clear()
        stamps = {stamp for _, stamp, _ in met.known_by}
        recent = {stamp for stamp in stamps if instant(stamp) >= oldest}
        for member, stamp, fingerprint in met.known_by:
            if stamp in recent and self._rows.get(member, (0, 0))[1] <= met.refresh:
                self._rows[member] = fingerprint, met.refresh

    def clear(self) -> None:
        self._rows.clear()


def _fingerprint(row: Row) -> int:
    return hash((*row, *row.values()))  # a column may be left out
