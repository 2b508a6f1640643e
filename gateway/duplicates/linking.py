"""Links made and undone by a person.

Linking writes down the chosen member and opens a delivery, which does the rest: it is tried at
once, or by the worker if this process dies. Unlinking is three steps, and each may be repeated: the
two are kept apart (nothing links them again); the member gets its old number back; the link is
deleted and a delivery is opened that gives the customer another member.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, assert_never

from flags import Mode
from gateway.channels.smaregi import Smaregi
from gateway.customer import Customer
from gateway.delivery import DeliveryParts, Runtime
from gateway.delivery.opening import by_hand
from gateway.duplicates.command_events import Report, Unfinished, events_of
from gateway.duplicates.steps import of_customer
from gateway.errors import CommandRefused
from gateway.outcomes import OPEN, Delivery, DeliveryFilter, Link, Outcome
from gateway.shopify import Shopify
from gateway.store import Engine, links, outbox

__all__ = ["CHANNEL", "Linking"]

CHANNEL = "smaregi"
_PATIENCE = 30.0
"""Seconds to wait for a running attempt to end."""


class Linking:
    def __init__(
        self,
        db: Engine,
        delivery: DeliveryParts,
        shopify: Shopify,
        smaregi: Smaregi,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._delivery = delivery
        self._shopify = shopify
        self._smaregi = smaregi
        self._runtime = runtime

    # -- link

    def link(self, customer_id: int, member_id: int) -> AsyncIterator[dict[str, Any]]:
        """Events (`gateway.duplicates.command_events`)."""
        return events_of(
            self._runtime.background, lambda report: self._link(customer_id, member_id, report)
        )

    async def _link(self, customer_id: int, member_id: int, report: Report) -> str:
        customer = await self.customer(customer_id)
        if customer is None:
            raise CommandRefused(f"Shopify has no customer {customer_id}.")
        self.require_flag(customer)
        done = await self._stands_in_the_way(customer_id, member_id)
        if done:
            released = await self._delivery.proofs.trust(customer_id, str(member_id))
            more = " Their e-mail counts as proven for it from now on." if released else ""
            return f"Customer {customer_id} is linked to member {member_id} already.{more}"
        async with self.alone(customer_id):
            delivery = await self._db.write(
                lambda db: self.owe_link(db, customer_id, member_id, self._runtime.clock())
            )
            self._smaregi.ownership.apart.discard((customer_id, member_id))
        report(of_customer("written down", customer_id, member_id))
        after = await self.attempt(delivery, customer)
        told, numbers = _outcome_of(after), await self._numbers(customer_id)
        return f"{told} {numbers}" if numbers else told

    def require_flag(self, customer: Customer | None = None) -> None:
        """Refuses if Smaregi's flag is not on: nothing is written there against the flag."""
        flag = self._runtime.flags[CHANNEL]
        mode = flag.mode
        if customer is not None:
            mode = flag.decide(customer.id, customer.profile.email).mode
        if mode is not Mode.ON:
            whom = "" if flag.mode is not Mode.ON else " for this customer"
            raise CommandRefused(f"FLAG_SMAREGI is not `on`{whom}: nothing was done (see `flags`).")

    def require_room(self, member_id: int, row: Mapping[str, Any]) -> None:
        if not self._smaregi.numbers.has_room(row):
            raise CommandRefused(
                f"Member {member_id} has a customerNo already, and SMAREGI_LINK_FIELD=customerNo "
                "puts the customer's number there: empty it in Smaregi first."
            )

    async def customer(self, customer_id: int) -> Customer | None:
        """As Shopify has them now."""
        return (await self._shopify.read([customer_id])).get(customer_id)

    async def _stands_in_the_way(self, customer_id: int, member_id: int) -> bool:
        """Whether the two are linked already. Raises Refused if they may not be."""
        row = await self._smaregi.client.by_id(str(member_id))
        if row is None:
            raise CommandRefused(f"Smaregi has no member {member_id}.")
        link = await self.link_of(customer_id)
        if link is not None and link.reference != str(member_id):
            raise CommandRefused(
                f"Customer {customer_id} is linked to member {link.reference}: "
                f"`duplicates unlink {customer_id}` comes first."
            )
        numbers = {row.get("customerCode"), row.get("customerNo")}
        if link is not None and str(customer_id) in numbers:
            return await self._db.read(lambda db: links.get(db, CHANNEL, customer_id)) is not None
        refuse_status(member_id, str(row.get("status") or "0"))
        self.require_room(member_id, row)
        for owner in await self._smaregi.ownership.owners(row, besides=customer_id):
            raise CommandRefused(
                f"Member {member_id} belongs to customer {owner}, who exists in Shopify: "
                f"`duplicates unlink {owner}` comes first, or merge the customers in Shopify."
            )
        return False

    async def link_of(self, customer_id: int) -> Link | None:
        """The link, or the member that carries the customer's number if the link was lost."""
        link = await self._db.read(lambda db: links.get(db, CHANNEL, customer_id))
        if link is not None:
            return link
        rows = await self._smaregi.ownership.with_number(str(customer_id))
        return Link(CHANNEL, customer_id, str(rows[0]["customerId"])) if rows else None

    def owe_link(
        self, db: sqlite3.Connection, customer_id: int, member_id: int, now: float
    ) -> Delivery:
        """In the caller's transaction: a delivery whose plan names the member."""
        links.reunite(db, customer_id, member_id)
        (delivery,) = outbox.add(db, customer_id, None, [by_hand(CHANNEL)], now)
        outbox.save_plan(db, delivery.id, {"member": member_id, "by_hand": True})
        return outbox.get(db, delivery.id) or delivery

    # -- unlink

    def unlink(self, customer_id: int, *, new_member: bool) -> AsyncIterator[dict[str, Any]]:
        """Events; `new_member`: the customer gets a member of their own."""
        return events_of(
            self._runtime.background,
            lambda report: self._unlink(customer_id, report, new_member=new_member),
        )

    async def _unlink(self, customer_id: int, report: Report, *, new_member: bool) -> str:
        customer = await self.customer(customer_id)
        self.require_flag(customer)
        link = await self.link_of(customer_id)
        if link is None:
            return await self._unlinked_before(customer_id, customer)
        wanted = new_member and customer is not None
        await self._keep_apart(customer_id, int(link.reference))
        async with self.alone(customer_id):
            number = await self._smaregi.unlink(link)
            report(_given_back(link, number))
            await self._db.write(lambda db: self._part(db, link, self._runtime.clock(), wanted))
        report(of_customer("apart", customer_id, link.reference))
        return await self._own_member(customer_id, customer if wanted else None)

    async def would_unlink(self, customer_id: int, *, new_member: bool) -> list[str]:
        """What `unlink` would do, a sentence each. Raises Refused and UpstreamError."""
        customer = await self.customer(customer_id)
        self.require_flag(customer)
        link = await self.link_of(customer_id)
        if link is None:
            self._require_parted(customer_id)
            return [f"Customer {customer_id} is unlinked; the member still owed would be made."]
        old = link.old_number or "a number of its own"
        own = "gets another member" if new_member and customer else "gets no member now"
        return [
            f"Customer {customer_id} is linked to member {link.reference}.",
            f"Member {link.reference} would have {old} again, and keep card and points.",
            f"The two would stay apart from then on; customer {customer_id} {own}.",
        ]

    def _require_parted(self, customer_id: int) -> None:
        if not any(known == customer_id for known, _ in self._smaregi.ownership.apart):
            raise CommandRefused(f"Customer {customer_id} is not linked to a store member.")

    async def _keep_apart(self, customer_id: int, member_id: int) -> None:
        """Keeps them apart, first in memory: every attempt that begins from now on knows it."""
        self._smaregi.ownership.apart.add((customer_id, member_id))
        now = self._runtime.clock()
        await self._db.write(lambda db: links.keep_apart(db, customer_id, member_id, now))

    def _part(self, db: sqlite3.Connection, link: Link, now: float, new_member: bool) -> None:
        """Deletes the link; the same commit opens a delivery for a new member, or discards an open
        one.
        """
        links.remove(db, CHANNEL, link.customer_id, link.reference)
        if new_member:
            (delivery,) = outbox.add(db, link.customer_id, None, [by_hand(CHANNEL)], now)
            outbox.save_plan(db, delivery.id, {})
            return
        for delivery in _open(db, link.customer_id):
            outbox.discard(db, delivery.id, "unlinked by a person, without a new member", now)

    async def _unlinked_before(self, customer_id: int, customer: Customer | None) -> str:
        self._require_parted(customer_id)
        return await self._own_member(customer_id, customer)

    async def _own_member(self, customer_id: int, customer: Customer | None) -> str:
        """The state of the delivery for their new member; it is tried now if it is still open."""
        waiting = await self._db.read(lambda db: _open(db, customer_id))
        if customer is None or not waiting:
            return f"Customer {customer_id} is not linked to a store member."
        return _outcome_of(await self.attempt(waiting[0], customer))

    # -- attempts

    @asynccontextmanager
    async def alone(self, customer_id: int) -> AsyncIterator[None]:
        """Keeps attempts of this customer's delivery to Smaregi from running meanwhile."""
        busy_id = await self._hold(customer_id)
        try:
            async with self._delivery.preparation.turn(CHANNEL, customer_id):
                yield
        finally:
            self._delivery.deliverer.busy.discard(busy_id)

    async def _hold(self, customer_id: int) -> int:
        """The id of the open delivery, 0 if there is none."""
        until = asyncio.get_running_loop().time() + _PATIENCE
        while asyncio.get_running_loop().time() < until:
            waiting = await self._db.read(lambda db: _open(db, customer_id))
            if not waiting:
                return 0
            if waiting[0].id not in self._delivery.deliverer.busy:
                self._delivery.deliverer.busy.add(waiting[0].id)
                return waiting[0].id
            await asyncio.sleep(0.05)
        raise Unfinished("This customer is being sent to Smaregi right now: run it again.")

    async def attempt(self, delivery: Delivery, customer: Customer) -> Delivery:
        """Tries it now, or waits for the worker that is trying it."""
        after = await self._delivery.deliverer.again(delivery, customer, person=True)
        until = asyncio.get_running_loop().time() + _PATIENCE
        while after is None or after.id in self._delivery.deliverer.busy:
            if asyncio.get_running_loop().time() > until:
                raise Unfinished("It is being tried; `deliveries list` shows how it ends.")
            await asyncio.sleep(0.05)
            after = await self._db.read(lambda db: outbox.get(db, delivery.id))
        return after

    async def attempt_owed(self, customer_id: int) -> str:
        """Tries this customer's open delivery now. Returns how it ended."""
        return await self._own_member(customer_id, await self.customer(customer_id))

    async def _numbers(self, customer_id: int) -> str:
        link = await self._db.read(lambda db: links.get(db, CHANNEL, customer_id))
        if link is None or not link.old_number:
            return ""
        kept = "the note" if link.old_place == "note" else link.old_place
        return f"Its old number {link.old_number} is in {kept}."


def refuse_status(member_id: int, status: str) -> None:
    """Only an active member (0), or one whose card is lost (2), is linked."""
    words = {
        "1": "is suspended (status 1): somebody did that on purpose. Lift it in Smaregi first",
        "3": "has left (status 3, withdrawn)",
        "4": "was merged into another (status 4)",
    }
    if status in words:
        raise CommandRefused(f"Member {member_id} {words[status]}.")


def _open(db: sqlite3.Connection, customer_id: int) -> list[Delivery]:
    wanted = DeliveryFilter(channels=(CHANNEL,), outcomes=tuple(OPEN), customer_id=customer_id)
    return outbox.find(db, wanted, limit=1)


def _outcome_of(delivery: Delivery) -> str:
    """A sentence; Unfinished unless the customer has the member now."""
    goes_on = ""
    match delivery.outcome:
        case Outcome.DELIVERED:
            step = "linked" if delivery.action == "linked" else "own"
            return of_customer(step, delivery.customer_id, delivery.reference or "")
        case Outcome.PENDING | Outcome.RETRYING | Outcome.HELD:
            goes_on = " `serve` goes on by itself."
        case Outcome.FAILED | Outcome.SKIPPED | Outcome.DRY_RUN | Outcome.DISCARDED:
            pass
        case _:
            assert_never(delivery.outcome)
    reason = f" ({delivery.message})" if delivery.message else ""
    raise Unfinished(f"Delivery {delivery.id} is {delivery.outcome}{reason}.{goes_on}")


def _given_back(link: Link, number: str | None) -> str:
    if number is None:
        return of_customer("no member", link.customer_id, link.reference)
    step = "old number" if link.old_number == number else "new number"
    return of_customer(step, link.customer_id, link.reference, number=number)
