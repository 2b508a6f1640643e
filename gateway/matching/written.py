"""Rows that are in the index as Smaregi gives them: the overlap shows the newest ones again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway import frozen

__all__ = ["WrittenRows"]

_REMEMBERED = 4000
"""Rows whose fingerprints are kept."""

Row = Mapping[str, Any]


@dataclass(slots=True, eq=False)
class _MetBy:
    """The latest refresh that met all the rows which share this."""

    refresh: int


_NEVER_MET: Final = None, _MetBy(0)


@frozen
class _Met:
    """What a refresh met. `others`: each row's `customerId` as it came and fingerprint, but for
    those that the last list had already, where this one `goes_on`.
    """

    rows: Sequence[Row]
    refresh: int
    goes_on: bool
    others: list[tuple[Any, int]]
    news: list[Row]


class WrittenRows:
    """A row that a later refresh has met is news to no earlier one: within the same second the
    time stamps do not tell which is newer. Refreshes are numbered in the order of their beginning.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._last: Sequence[Row] = []  # the latest refresh's
        self._last_met_by = _MetBy(0)
        # customerId as it came -> fingerprint of its row, and the latest refresh that met it
        self._rows: dict[Any, tuple[int, _MetBy]] = {}

    def meet(self, rows: Sequence[Row], refresh: int) -> _Met:
        """In a busy shop a list mostly begins with the whole of the last one: only what follows is
        looked at. Any other row that is known costs a fingerprint and no more.
        """
        last = self._last
        goes_on = refresh >= self._last_met_by.refresh and rows[: len(last)] == last
        others, news = [], []
        for row in rows[len(last) :] if goes_on else rows:
            member, fingerprint = row["customerId"], _fingerprint(row)
            others.append((member, fingerprint))
            known, by = self._rows.get(member, _NEVER_MET)
            if by.refresh <= refresh and known != fingerprint:
                news.append(row)
        return _Met(rows, refresh, goes_on, others, news)

    def note(self, met: _Met) -> None:
        """What was met is in the index now. Now and then all but the last list is forgotten."""
        met_by = self._last_met_by if met.goes_on else _MetBy(met.refresh)
        met_by.refresh = met.refresh
        for member, fingerprint in met.others:
            if self._rows.get(member, _NEVER_MET)[1].refresh <= met.refresh:
                self._rows[member] = fingerprint, met_by
        if met.refresh >= self._last_met_by.refresh:
            self._last, self._last_met_by = met.rows, met_by
        if len(self._rows) > _REMEMBERED:
            self._rows = {
                member: known
                for member, known in self._rows.items()
                if known[1] is self._last_met_by
            }


def _fingerprint(row: Row) -> int:
    return hash((*row, *row.values()))  # a column may be left out
