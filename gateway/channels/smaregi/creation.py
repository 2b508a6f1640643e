"""A member is created once: after an unclear answer it is looked up by its number."""

from collections.abc import Mapping
from typing import Any

from gateway.channels.smaregi.client import SmaregiClient
from gateway.channels.smaregi.holders import Holders, conflict
from gateway.channels.smaregi.numbers import text_of
from gateway.channels.smaregi.update import ACTIVE
from gateway.errors import ErrorClass, UpstreamError

__all__ = ["create_member"]

Row = Mapping[str, Any]


async def create_member(client: SmaregiClient, holders: Holders, fields: Mapping[str, str]) -> Row:
    try:
        return await client.create(fields)
    except UpstreamError as error:
        return await _made_after_all(client, holders, error, fields["customerCode"])


async def _made_after_all(
    client: SmaregiClient, holders: Holders, error: UpstreamError, code: str
) -> Row:
    """After any unclear answer, and any refusal (the text of a duplicate is not documented)."""
    clear = error.applied is False and error.error_class is not ErrorClass.INVALID_DATA
    if clear:
        raise error
    try:
        rows = await client.by_number("customer_code", code)
    except UpstreamError:
        raise error from None
    holders.refuse_apart(rows, int(code))
    for row in rows:
        if (text_of(row, "status") or "0") in ACTIVE:
            return row
    if rows:
        raise conflict("the member with this number is withdrawn or merged")
    raise error
