"""`GET /customers`: which filters there are, and what each refuses.

There is no search by e-mail, telephone or name; an unknown filter is an error, so that a client
which relies on one notices.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.sandbox.smaregi.fields import COLUMNS, Member
from gateway.sandbox.smaregi.members import Members

_LONGEST_SPAN = 31 * 86400
_FOREVER = 1 << 62
_KNOWN = frozenset(
    [
        "customer_code",
        "customer_no",
        "customer_id-from",
        "customer_id-to",
        "upd_date_time-from",
        "upd_date_time-to",
        "fields",
        "sort",
        "limit",
        "page",
    ]
)
_SORTABLE = frozenset({"customerId", "customerCode", "updDateTime"})


class RefusedError(Exception):
    """A query that is answered 400; the text is the answer's `detail`."""


@dataclass(frozen=True, slots=True)
class Query:
    """A list query, understood. Times are Unix seconds; `changed` is None without a time filter."""

    low: int
    high: int
    code: str | None
    number: str | None
    changed: tuple[int, int] | None
    columns: tuple[str, ...]
    sort: tuple[tuple[str, bool], ...]
    limit: int
    page: int


def understood(asked: Mapping[str, str], now: float | None = None) -> Query:
    """Reads the query of a request at `now`. RefusedError says what is wrong with it."""
    for name in asked:
        if name not in _KNOWN:
            raise RefusedError(f"[{name}] 不明なパラメータです")
    return Query(
        low=_number(asked, "customer_id-from", 0, 0, _FOREVER),
        high=_number(asked, "customer_id-to", _FOREVER, 0, _FOREVER),
        code=asked.get("customer_code"),
        number=asked.get("customer_no"),
        changed=_span(asked, time.time() if now is None else now),
        columns=_columns(asked.get("fields")),
        sort=_sort(asked.get("sort", "customerId:asc")),
        limit=_number(asked, "limit", 100, 1, 1000),
        page=_number(asked, "page", 1, 1, _FOREVER),
    )


def select(members: Members, query: Query) -> list[tuple[int, Member]]:
    """The ids and records of one page."""
    ids = _sorted(members, _matching(members, query), query.sort)
    start = (query.page - 1) * query.limit
    chosen = ids[start : start + query.limit]
    return [(i, row) for i in chosen if (row := members.row(i)) is not None]


def _matching(members: Members, query: Query) -> Sequence[int]:
    if query.code is None and query.number is None and query.changed is None:
        return members.between_ids(query.low, query.high)
    found = None
    for text, lookup in ((query.code, members.with_code), (query.number, members.with_number)):
        if text is not None:
            one = lookup(text)
            these = set() if one is None else {one}
            found = these if found is None else found & these
    if query.changed is not None:
        oldest, newest = query.changed
        if found is None:
            found = set(members.changed(oldest, newest))
        found = {i for i in found if oldest <= members.updated(i) <= newest}
    return sorted(i for i in found or () if query.low <= i <= query.high)


def _sorted(
    members: Members, ids: Sequence[int], sort: tuple[tuple[str, bool], ...]
) -> Sequence[int]:
    for column, descending in reversed(sort):
        if column == "customerId":
            # The ids come in order; sorting a million that are in order is wasted.
            in_order = len(sort) == 1
            ids = ids if in_order else sorted(ids)
            ids = ids[::-1] if descending else ids
        elif column == "updDateTime":
            ids = sorted(ids, key=members.updated, reverse=descending)
        else:
            ids = sorted(ids, key=lambda i: _code(members, i), reverse=descending)
    return ids


def _code(members: Members, member_id: int) -> str:
    return (members.row(member_id) or {}).get("customerCode") or ""


def _number(asked: Mapping[str, str], name: str, absent: int, low: int, high: int) -> int:
    text = asked.get(name)
    if text is None:
        return absent
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise RefusedError(f"[{name}] 値が正しくありません")
    return int(text)


def _span(asked: Mapping[str, str], now: float) -> tuple[int, int] | None:
    first, last = asked.get("upd_date_time-from"), asked.get("upd_date_time-to")
    if first is None and last is None:
        return None
    newest = int(now) if last is None else _moment(last)
    oldest = newest - _LONGEST_SPAN if first is None else _moment(first)
    if newest - oldest > _LONGEST_SPAN:
        raise RefusedError("[upd_date_time] 更新日時の範囲は31日以内で指定してください")
    return oldest, newest


def _moment(text: str) -> int:
    """Unix seconds of an ISO 8601 time with an offset; an unescaped `+` arrives as a space."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RefusedError("[upd_date_time] 日時の形式が正しくありません") from error
    if moment.tzinfo is None:
        raise RefusedError("[upd_date_time] 日時の形式が正しくありません")
    return int(moment.timestamp())


def _columns(text: str | None) -> tuple[str, ...]:
    columns = tuple(COLUMNS) if text is None else tuple(text.split(","))
    for column in columns:
        if column not in COLUMNS:
            raise RefusedError(f"[fields] {column}は存在しない項目です")
    return columns


def _sort(text: str) -> tuple[tuple[str, bool], ...]:
    parts = [part.partition(":") for part in text.split(",")]
    for column, _, order in parts:
        if column not in _SORTABLE or order not in {"", "asc", "desc"}:
            raise RefusedError("[sort] 並び順の指定が正しくありません")
    return tuple((column, order == "desc") for column, _, order in parts)
