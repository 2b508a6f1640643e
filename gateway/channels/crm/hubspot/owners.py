"""Whose contact it is: by the Shopify customer id that it carries, and by the link in our database.

A contact of another customer is never written to. If that customer is ours and gone from Shopify,
the contact is free: somebody signed up again with the same e-mail. An id that we do not know may
belong to another shop that shares the account, so it counts.
"""

from functools import partial

from gateway.channels.base import Context
from gateway.channels.claims import Claims
from gateway.channels.crm.hubspot.client import SYSTEM
from gateway.channels.crm.hubspot.responses import Contact
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import AUTOMATIC, Link
from gateway.store import links, outbox

__all__ = ["Owners"]

_AGAIN = 15.0
"""Seconds until we look again at a conflict that another delivery is about to end."""


class Owners:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._claims = Claims(context.clock)
        self.release = self._claims.release

    async def claim(self, contact: Contact, customer_id: int) -> int | None:
        """Claims this contact until its link is written; a conflict if it belongs to another
        customer. Returns the customer who is still linked to it and is gone from Shopify.
        """
        self._claim(contact, customer_id)
        link = await self._link(contact)
        owner = await self._other(contact, link, customer_id)
        if owner is not None:
            self.release(contact.id, customer_id)
            raise await self.conflict(owner)
        return link.customer_id if link and link.customer_id != customer_id else None

    async def is_anothers(self, contact: Contact, customer_id: int) -> bool:
        """Whether it belongs to another customer by now; if not, claims it."""
        self._claim(contact, customer_id)
        return await self.owner_of(contact, customer_id) is not None

    def _claim(self, contact: Contact, customer_id: int) -> None:
        if not self._claims.claim(contact.id, customer_id):
            raise _conflict("another customer is just being linked to this contact", _AGAIN)

    async def conflict(self, owner: int) -> UpstreamError:
        """The conflict. It may end by itself if a change of the owner is on its way to HubSpot."""
        text = f"the contact belongs to another customer ({owner})"
        if await self._has_news(owner):
            return _conflict(f"{text}, of whom a change is still on its way", _AGAIN)
        return _conflict(
            f"{text}: put right in HubSpot whose e-mail and shopify_customer_id it has, then replay"
        )

    async def owner_of(self, contact: Contact, customer_id: int) -> int | None:
        """Another customer whose contact this is."""
        return await self._other(contact, await self._link(contact), customer_id)

    async def _link(self, contact: Contact) -> Link | None:
        of_reference = partial(links.of_reference, channel=SYSTEM, reference=contact.id)
        return await self._context.db.read(of_reference)

    async def _other(self, contact: Contact, link: Link | None, customer_id: int) -> int | None:
        linked = link.customer_id if link else None
        for other in {linked, _customer_id(contact.owner)} - {None, customer_id}:
            if other is not None and not await self._is_gone(other, link):
                return other
        return None

    async def _is_gone(self, other: int, link: Link | None) -> bool:
        """Of a customer of ours: linked, or once owed to HubSpot, though the answer was lost."""
        ours = link is not None or await self._context.db.read(
            lambda db: outbox.any_of(db, other, [SYSTEM])
        )
        return ours and not await self._context.customer_exists(other)

    async def _has_news(self, customer_id: int) -> bool:
        found = await self._context.db.read(lambda db: outbox.open_of(db, [customer_id]))
        waiting = found.get((customer_id, SYSTEM))
        return waiting is not None and waiting.outcome in AUTOMATIC


def _customer_id(text: str) -> int | None:
    """None for what is no id of Shopify's."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _conflict(reason: str, again: float | None = None) -> UpstreamError:
    return UpstreamError(
        SYSTEM, "match", ErrorClass.CONFLICT, reason, retry_after=again, applied=False
    )
