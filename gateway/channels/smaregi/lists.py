"""Lists of members, decoded. Of a list that begins with all of the last one, only what follows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.channels.smaregi.responses import ids_of
from gateway.errors import ErrorClass
from gateway.matching.latest_pages import LatestPages
from gateway.wire import UpstreamAnswer

__all__ = ["GrowingList", "members_of"]

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
        # each page up to its closing bracket, and its rows
        self._pages = LatestPages[tuple[bytes, list[Row]]]()

    def members_of(self, answer: UpstreamAnswer, from_id: int) -> list[Row]:
        """As `members_of`, for reading only: rows that were known are the very same."""
        body, (known, rows) = answer.body, self._pages.get(from_id) or (b"", [])
        rest = body[len(known) :] if known and body.startswith(known) else b""
        goes_on = rest.startswith((b"]", b",{"))
        if goes_on:
            more = replace(answer, body=b"[" + rest.removeprefix(b","))
            rows = rows + members_of(more)
        else:
            rows = members_of(answer)
        beginning = body[:-1] if body.endswith(b"}]") else b""
        self._pages.keep(from_id, (beginning, rows), goes_on=goes_on)
        return rows
