"""Who holds which member: by the number that it carries, by the link, and never by the word of a
person who keeps the two apart.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.channels.base import Context
from gateway.channels.smaregi.client import SYSTEM, SmaregiClient
from gateway.channels.smaregi.numbers import text_of
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Link
from gateway.store import links, members
from gateway.store.members import Member

__all__ = ["Holders", "conflict", "row_of"]

_SHOPIFY_ID_DIGITS = range(10, 20)
"""Digits of a Shopify customer id; shorter numbers are a shop's own."""

Row = Mapping[str, Any]


class Holders:
    """`apart`: (customer id, member id) that a person keeps apart; the database's, kept at hand."""

    def __init__(self, context: Context, client: SmaregiClient) -> None:
        self._context = context
        self._client = client
        self.apart: set[tuple[int, int]] = set()

    async def open(self) -> None:
        self.apart |= await self._context.db.read(links.apart)

    def refuse_apart(self, rows: Sequence[Row], customer_id: int) -> None:
        """The number is still on a member that a person keeps apart: its unlinking must end."""
        if any((customer_id, int(row["customerId"])) in self.apart for row in rows):
            raise conflict("a person keeps this member apart: run `duplicates unlink` again")

    async def with_number(self, number: str, *, also_second: bool = True) -> list[Row]:
        """Members whose `customerCode` (or `customerNo`) this is, whatever their status."""
        looks = [self._client.by_number("customer_code", number)]
        if also_second:
            looks.append(self._client.by_number("customer_no", number))
        return [row for found in await asyncio.gather(*looks) for row in found]

    async def owners(self, row: Row, *, besides: int | None = None) -> set[int]:
        """Customers who exist in Shopify and whose member this is: by the link, or the number."""
        owners = {
            int(number)
            for number in (text_of(row, "customerCode"), text_of(row, "customerNo"))
            if number.isascii() and number.isdigit() and len(number) in _SHOPIFY_ID_DIGITS
        }
        link = await self.link_of(str(row["customerId"]))
        if link is not None:
            owners.add(link.customer_id)
        owners.discard(besides or 0)
        return {owner for owner in owners if await self._context.customer_exists(owner)}

    async def link_of(self, member_id: str) -> Link | None:
        return await self._context.db.read(lambda db: links.of_reference(db, SYSTEM, member_id))

    async def number_taken(self, code: str) -> bool:
        return await self._context.db.read(lambda db: members.number_taken(db, code))


def row_of(member: Member) -> Row:
    """What `owners` needs of a member of the index, as Smaregi writes it."""
    return {
        "customerId": member.member_id,
        "customerCode": member.code,
        "customerNo": member.number,
    }


def conflict(reason: str) -> UpstreamError:
    return UpstreamError(SYSTEM, "match", ErrorClass.CONFLICT, reason, applied=False)
