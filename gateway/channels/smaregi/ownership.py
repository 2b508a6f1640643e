"""Which customer a member belongs to: by the number that it carries and by the link, unless a
person keeps the two apart.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from gateway.channels.base import Context, Work
from gateway.channels.claims import STANDS, Claims
from gateway.channels.smaregi.client import SYSTEM, SmaregiClient
from gateway.channels.smaregi.member_number import text_of
from gateway.channels.smaregi.update import is_active
from gateway.customer import Customer
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Link
from gateway.store import links, members, proofs
from gateway.store.members import Member
from gateway.store.outbox import FIRST
from gateway.store.paging import every_page

__all__ = ["RecordOwnership", "conflict", "row_of"]

_SHOPIFY_ID_DIGITS = range(10, 20)
"""Digits of a Shopify customer id; shorter numbers are a shop's own."""

_AGAIN = 5.0
"""Seconds after which a conflict is looked at again that another delivery is about to end."""

Row = Mapping[str, Any]


class RecordOwnership:
    """`apart`: (customer id, member id) that a person keeps apart; the database's, kept at hand."""

    def __init__(self, context: Context, client: SmaregiClient) -> None:
        self._context = context
        self._client = client
        self.apart: set[tuple[int, int]] = set()
        self.leaving: set[int] = set()
        """Members that are being merged into another: nobody is linked to them any more."""
        self._claims = Claims(context.clock)

    async def open(self) -> None:
        self.apart |= await self._context.db.read(links.apart)

    def refuse_apart(self, rows: Sequence[Row], customer_id: int) -> None:
        """The number is still on a member that a person has unlinked: the unlinking must finish
        first.
        """
        if any((customer_id, int(row["customerId"])) in self.apart for row in rows):
            raise conflict(
                "a person keeps this member apart: run `duplicates unlink` again, or "
                "`duplicates link`"
            )

    async def with_number(self, number: str, *, also_second: bool = True) -> list[Row]:
        """Members whose `customerCode` (or `customerNo`) this is, whatever their status."""
        look = self._client.by_number("customer_code", number)
        if not also_second:
            return list(await look)
        first, second = await asyncio.gather(look, self._client.by_number("customer_no", number))
        return [*first, *second]

    async def carrier(self, customer: Customer, *, also_second: bool) -> Row | None:
        """The active member that has the customer's number; a conflict if it may not be theirs."""
        rows = await self.with_number(customer.member_number, also_second=also_second)
        active = [row for row in rows if is_active(row)]
        self.refuse_apart(active, customer.id)
        if rows and not active:
            raise conflict("the member with this number is withdrawn or merged")
        return active[0] if active else None

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

    def is_free(self, member_id: int, customer_id: int) -> bool:
        """Whether a sign-up may be matched with it: not kept apart, and not being merged."""
        return member_id not in self.leaving and (customer_id, member_id) not in self.apart

    async def take(self, member_id: int, customer_id: int) -> int | None:
        """Claims this member until its link is written; returns its `former` customer.

        Raises a conflict, which passes, where another customer is just being linked to it.
        """
        if member_id in self.leaving:
            raise conflict("this store member is just being merged into another")
        if not self._claims.claim(str(member_id), customer_id):
            raise conflict("this store member is just being linked, or left", _AGAIN)
        return await self.former(str(member_id), customer_id)

    async def is_being_linked(self, member_id: int) -> bool:
        """Whether a customer is being linked to this member, and has no link yet: the request may
        be under way, from before this process too.
        """
        reference = str(member_id)
        holder, link = self._claims.holder(reference), await self.link_of(reference)
        if holder is not None and (link is None or link.customer_id != holder):
            return True
        since = self._context.clock() - STANDS
        planned = partial(links.planned, channel=SYSTEM, reference=reference, since=since)
        return await every_page(self._context.db.read, planned, FIRST) > 0

    def release(self, member_id: int, customer_id: int) -> None:
        """The member was unlinked: the next customer may get it at once."""
        self._claims.release(str(member_id), customer_id)

    async def hold(self, link: Link) -> bool:
        """While the member leaves its customer, who is gone, nobody else is linked to it.

        False where somebody else is already; a conflict that passes where they just are.
        """
        if self._claims.claim(link.reference, link.customer_id):
            return True
        held = await self.link_of(link.reference)
        if held is None or held.customer_id == link.customer_id:
            raise conflict("another customer is just being linked to this store member", _AGAIN)
        return False

    async def is_anothers(self, link: Link) -> bool:
        """Whether the member belongs to a customer who exists, other than that of the link."""
        row = await self._client.by_id(link.reference)
        return bool(row and await self.owners(row, besides=link.customer_id))

    async def former(self, member_id: str, customer_id: int) -> int | None:
        """The customer who is still linked to this member and gone from Shopify; a conflict if that
        customer exists.
        """
        link = await self.link_of(member_id)
        if link is None or link.customer_id == customer_id:
            return None
        if await self._context.customer_exists(link.customer_id):
            raise conflict(f"the store member belongs to another customer ({link.customer_id})")
        return link.customer_id

    async def unproven(self, work: Work) -> bytes | None:
        """The hash of the customer's e-mail; None if the e-mail is proven."""
        emails = self._context.keys.emails(work.customer.profile.email)
        known = partial(proofs.is_known, customer_id=work.customer.id, emails=emails)
        return None if await self._context.db.read(known) else emails[0]

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


def conflict(reason: str, again: float | None = None) -> UpstreamError:
    """`again`: seconds after which it may have passed by itself."""
    return UpstreamError(
        SYSTEM, "match", ErrorClass.CONFLICT, reason, retry_after=again, applied=False
    )
