"""Rows that are in the index as Smaregi gives them: the overlap shows the newest ones again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway import frozen
from gateway.matching.hashing import newest_stamp
from gateway.matching.latest_pages import LatestPages
from gateway.matching.match_keys import instant

__all__ = ["Met", "WrittenRows"]

_REMEMBERED = 2000
"""Rows whose fingerprints are kept."""

Row = Mapping[str, Any]


@dataclass(slots=True, eq=False)
class _MetBy:
    """The latest refresh that met all the rows which share this."""

    refresh: int


@frozen
class _Page:
    """As the latest refresh met it. `newest`: the latest of its time stamps."""

    rows: Sequence[Row]
    by: _MetBy
    newest: str


_NEVER_MET: Final = None, _MetBy(0)


@frozen
class Met:
    """What a refresh met. `begins_as`: the last such page, where this one begins with all of it.
    `others`: `customerId` as it came and fingerprint of each further row. `newest` as a `_Page`'s.
    """

    low: int
    rows: Sequence[Row]
    refresh: int
    begins_as: _Page | None
    others: list[tuple[Any, int]]
    news: list[Row]
    newest: str


class WrittenRows:
    """A row that a later refresh has met is news to no earlier one: within the same second the
    time stamps do not tell which is newer. Refreshes are numbered in the order of their beginning.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._pages = LatestPages[_Page]()
        # customerId as it came -> fingerprint of its row, and the latest refresh that met it
        self._rows: dict[Any, tuple[int, _MetBy]] = {}

    def meet(self, low: int, rows: Sequence[Row], refresh: int) -> Met:
        """In a busy shop a page mostly begins with the whole of the last: only what follows is
        looked at. Any other row that is known costs a fingerprint and no more.
        """
        last = self._pages.get(low)
        if last and (refresh < last.by.refresh or rows[: len(last.rows)] != last.rows):
            last = None
        looked_at = rows[len(last.rows) :] if last else rows
        others, news = [], []
        for row in looked_at:
            member, fingerprint = row["customerId"], _fingerprint(row)
            others.append((member, fingerprint))
            known, by = self._rows.get(member, _NEVER_MET)
            if by.refresh <= refresh and known != fingerprint:
                news.append(row)
        newest = newest_stamp(looked_at)
        if last:
            newest = max(last.newest, newest, key=instant)
        return Met(low, rows, refresh, last, others, news, newest)

    def note(self, met: Met) -> None:
        """What was met is in the index now. Now and then all but the last list is forgotten."""
        met_by = met.begins_as.by if met.begins_as else _MetBy(met.refresh)
        met_by.refresh = met.refresh
        for member, fingerprint in met.others:
            if self._rows.get(member, _NEVER_MET)[1].refresh <= met.refresh:
                self._rows[member] = fingerprint, met_by
        last = self._pages.get(met.low)
        if last is None or met.refresh >= last.by.refresh:
            page = _Page(met.rows, met_by, met.newest)
            self._pages.keep(met.low, page, goes_on=met.begins_as is not None)
        if len(self._rows) > _REMEMBERED:
            self._forget()

    def _forget(self) -> None:
        kept = {page.by for page in self._pages.all()}
        self._rows = {member: known for member, known in self._rows.items() if known[1] in kept}


def _fingerprint(row: Row) -> int:
    return hash((*row, *row.values()))  # a column may be left out
