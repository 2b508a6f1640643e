"""Lists of members, decoded. Of a list that begins with all of the last one, only what follows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.channels.smaregi.responses import ids_of
from gateway.errors import ErrorClass
from gateway.wire import UpstreamAnswer

__all__ = ["GrowingList", "members_of"]

_PAGES = 4
"""Pages of the list that are remembered, at most some 2 MB each."""

Row = Mapping[str, Any]


def members_of(answer: UpstreamAnswer) -> list[Row]:
    """Raises an `unexpected` UpstreamError for anything but a list of members."""
    rows = answer.json()
    if not isinstance(rows, list) or ids_of(rows) is None:
        raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a list of members")
    return rows


class GrowingList:
    """In a busy shop what changed lately is asked for many times a second, and comes ordered by id:
    mostly the same bytes, and new members behind them. The same bytes are the same rows.
    """

    def __init__(self) -> None:
        # lowest id asked for -> the last such page up to its closing bracket, and its rows
        self._pages: dict[int, tuple[bytes, list[Row]]] = {}

    def members_of(self, answer: UpstreamAnswer, from_id: int) -> list[Row]:
        """As `members_of`, for reading only: rows that were known are the very same."""
        body, (known, rows) = answer.body, self._pages.get(from_id, (b"", []))
        rest = body[len(known) :] if known and body.startswith(known) else b""
        if rest.startswith((b"]", b",{")):
            more = replace(answer, body=b"[" + rest.removeprefix(b","))
            rows = rows + members_of(more)
        else:
            rows = members_of(answer)
            # the pages behind this one have other members now
            self._pages = {low: page for low, page in self._pages.items() if low < from_id}
        if from_id in self._pages or len(self._pages) < _PAGES:
            self._pages[from_id] = body[:-1] if body.endswith(b"}]") else b"", rows
        return rows
