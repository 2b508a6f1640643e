"""Lists of members, decoded. Of a list that begins with all of the last one, only what follows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway import frozen
from gateway.channels.smaregi.responses import ids_of
from gateway.errors import ErrorClass
from gateway.matching.latest_pages import LatestPages
from gateway.wire import UpstreamAnswer

__all__ = ["PAGE", "GrowingList", "members_of", "page_of"]

PAGE = 1000
"""Members in a page, but for the last."""

Row = Mapping[str, Any]


def members_of(answer: UpstreamAnswer) -> list[Row]:
    """Raises an `unexpected` UpstreamError for anything but a list of members."""
    return _read(answer)[0]


def page_of(answer: UpstreamAnswer, from_id: int) -> list[Row]:
    """As `members_of`; refuses a full page that is not in the order of its ids from there on: the
    next is asked for behind its last.
    """
    rows, ids = _read(answer)
    _check_order(answer, rows, _rising(ids, from_id))
    return rows


def _read(answer: UpstreamAnswer) -> tuple[list[Row], list[int]]:
    rows = answer.json()
    ids = ids_of(rows) if isinstance(rows, list) else None
    if ids is None:
        raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a list of members")
    return rows, ids


def _rising(ids: list[int], lowest: int | None) -> int | None:
    """The last of them, where they rise from there; None where they do not, or `lowest` is."""
    if not ids or lowest is None:
        return lowest
    return ids[-1] if ids[0] >= lowest and ids == sorted(ids) else None


def _check_order(answer: UpstreamAnswer, rows: list[Row], last: int | None) -> None:
    if last is None and len(rows) >= PAGE:
        text = "members did not come in the order of their ids"
        raise answer.error(ErrorClass.UNEXPECTED, text)


@frozen
class _Page:
    """`beginning`: its text up to the closing bracket. `last`: the last of its ids, None where they
    do not rise.
    """

    beginning: bytes
    rows: list[Row]
    last: int | None


_UNKNOWN = _Page(b"", [], None)


class GrowingList:
    """In a busy shop what changed lately is asked for many times a second, and comes ordered by id:
    mostly the same bytes, and new members behind them. The same bytes are the same rows.
    """

    def __init__(self) -> None:
        self._pages = LatestPages[_Page]()

    def page_of(self, answer: UpstreamAnswer, from_id: int) -> list[Row]:
        """As `page_of`, for reading only: rows that were known are the very same."""
        body, known = answer.body, self._pages.get(from_id) or _UNKNOWN
        size = len(known.beginning)
        rest = body[size:] if size and body.startswith(known.beginning) else b""
        goes_on = rest.startswith((b"]", b",{"))
        if goes_on:
            more, ids = _read(replace(answer, body=b"[" + rest.removeprefix(b",")))
            rows, last = known.rows + more, _rising(ids, known.last)
        else:
            rows, ids = _read(answer)
            last = _rising(ids, from_id)
        _check_order(answer, rows, last)
        beginning = body[:-1] if body.endswith(b"}]") else b""
        self._pages.keep(from_id, _Page(beginning, rows, last), goes_on=goes_on)
        return rows
