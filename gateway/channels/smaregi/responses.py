"""Reads Smaregi's answers, and relies on no shape that is not documented."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.errors import ErrorClass, UpstreamError
from gateway.wire import UpstreamAnswer

__all__ = ["ids_of", "is_column", "is_member", "is_whole", "points_of", "refused", "unread"]

_OF_THE_CONTRACT = {"list members", "create member", "read required columns"}
"""Operations that name no member: 404 means that the contract is wrong."""
_NO_MEMBERS = (
    "HTTP 404: this contract has no members here: check SMAREGI_CONTRACT_ID, and that its plan has "
    "the member API"
)


def refused(
    answer: UpstreamAnswer, error_class: ErrorClass | None = None, detail: str = ""
) -> UpstreamError:
    """As an error, with what Smaregi says of it: a title and a detail, in Japanese prose."""
    if answer.status == 404 and answer.call.operation in _OF_THE_CONTRACT:
        error_class, detail = ErrorClass.AUTH, _NO_MEMBERS
    return answer.error(error_class, detail, _told(answer))


def _told(answer: UpstreamAnswer) -> str:
    try:
        body = answer.json()
    except UpstreamError:
        return ""
    if not isinstance(body, dict):
        return ""
    said = (body.get(name) for name in ("title", "detail"))
    return ": ".join(text for text in said if isinstance(text, str) and text)


def unread(answer: UpstreamAnswer) -> UpstreamError:
    """If a read is refused, the request was wrong, not a customer's data."""
    if answer.status in {400, 409, 422}:
        detail = f"HTTP {answer.status}: Smaregi refuses what it was asked"
        return refused(answer, ErrorClass.UNEXPECTED, detail)
    return refused(answer)


def ids_of(rows: Sequence[Mapping[str, Any]]) -> list[int] | None:
    """None where these are no members."""
    try:
        return [int(row["customerId"]) for row in rows]
    except (KeyError, TypeError, ValueError):
        return None


def is_member(row: object) -> bool:
    """`customerId` comes as a number or as a text of digits."""
    member_id = row.get("customerId") if isinstance(row, dict) else None
    return isinstance(member_id, int) or (isinstance(member_id, str) and member_id.isdecimal())


def points_of(answer: UpstreamAnswer, member_id: str) -> Mapping[str, Any] | None:
    """The member's row, which comes alone or in a list; None in an empty list."""
    found = answer.json()
    rows = found if isinstance(found, list) else [found]
    own = [row for row in rows if is_member(row) and str(row["customerId"]) == member_id]
    if rows and not own:
        raise answer.error(ErrorClass.UNEXPECTED, "the answer is not the member's points")
    return own[0] if own else None


def is_whole(value: object) -> bool:
    return isinstance(value, int | str) and str(value).removeprefix("-").isdecimal()


def is_column(row: object) -> bool:
    return isinstance(row, dict) and {"columnName", "value"} <= row.keys()
