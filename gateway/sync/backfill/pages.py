"""All customers, page by page: those with a link or an open delivery are passed over; for everybody
else a delivery is opened.

Only one page is opened ahead of what is being sent. So a wrong setting never leaves a hundred
thousand rows in the outbox, memory stays that of two pages, and the deliveries of sign-ups are not
buried. A page's deliveries and the cursor behind it are one commit: a kill -9 leaves both or
neither. The next run first sends what the dead one had opened, and continues behind its cursor; a
run that began at the start would send nothing twice either.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from flags import FlagSet
from gateway.channels import POS
from gateway.customer import Customer
from gateway.delivery import DeliveryParts, Live
from gateway.delivery.opening import Owed, opening
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Delivery, Kind, NewDelivery, Outcome
from gateway.shopify import ListedPage, Shopify
from gateway.store import Engine, proofs
from gateway.store import backfill as queries
from gateway.store.backfill import BackfillCheckpoint, Known
from gateway.store.outbox import FIRST, Spot
from gateway.sync.backfill.options import BackfillOptions, refusal
from gateway.sync.backfill.sending import GaveUpError, Item

__all__ = ["Pages"]

LEASE = 120.0
"""Seconds for which the worker leaves the deliveries of a run to that run."""
LONGEST_BREAK = 86400.0
"""Seconds after which a run that was broken off begins at the start again."""
_LEFTOVERS = 50


class Pages:
    """The pages of one run. `checkpoints`: it writes down how far it has come.

    `counts` has how many there were of each kind that are not sent: `has` (the channel has them
    already), `open` (a delivery is open already), `held` (the percentage), `lacking` (they lack
    what the channel needs); and `would_send` in a dry run, which writes nothing.
    """

    def __init__(
        self,
        db: Engine,
        shopify: Shopify,
        delivery: DeliveryParts,
        live: Live,
        options: BackfillOptions,
        *,
        checkpoints: bool,
    ) -> None:
        self._db = db
        self._shopify = shopify
        self._delivery = delivery
        self._live = live
        self._options = options
        self._channel = delivery.routes[options.channel].channel
        self._checkpoints = checkpoints
        self._checkpoint = BackfillCheckpoint()
        self._is_old = False  # the checkpoint is another run's: its cursor may no longer be valid
        self._last_leftover: Spot | None = FIRST
        self._all_listed = False
        self.counts: Counter[str] = Counter()

    @property
    def seen(self) -> int:
        """Customers listed so far, by this run and the one that it continues."""
        return self._checkpoint.seen

    async def begin(self) -> None:
        """Take up the checkpoint of a run that was broken off."""
        if not self._checkpoints:
            return
        checkpoint = await self._db.read(lambda db: queries.checkpoint(db, self._options.key))
        if checkpoint.after is not None and 0 <= self._live.clock() - checkpoint.at < LONGEST_BREAK:
            self._checkpoint, self._is_old = checkpoint, True

    async def finish(self) -> None:
        """Everything was listed and settled: the next run begins at the start."""
        if self._checkpoints:
            await self._db.write(lambda db: queries.forget_checkpoint(db, self._options.key))

    async def more(self) -> list[Item] | None:
        """First what a dead run left, then the next page, opened; None after the last.

        Raises GaveUpError when the flag is no longer on, UpstreamError, StorageError.
        """
        while self._last_leftover is not None:
            if items := await self._leftovers(self._last_leftover):
                return items
        if self._all_listed:
            return None
        self._allowed()
        page = await self._list()
        read_at = asyncio.get_running_loop().time()
        customers = {customer.id: customer for customer in page.customers}
        opened = await self._open(page)
        return [
            Item(delivery, customers[delivery.customer_id], read_at)
            for delivery in opened
            if delivery.outcome is Outcome.PENDING
        ]

    async def rehearse(self) -> bool:
        """Count the next page; false after the last."""
        if self._all_listed:
            return False
        page = await self._list()
        found = await self._db.read(partial(self._known, page))
        self.counts.update(fate for _, fate, _ in self._fates(page, found, self._live.policy.flags))
        self._turn(page)
        return True

    # -- steps

    def _allowed(self) -> FlagSet:
        """The flags as they are now, or GaveUpError if the channel's is no longer on."""
        flags = self._live.policy.flags
        reason = refusal(flags, self._options)
        if reason is not None:
            raise GaveUpError(f"Stopped: {reason}")
        return flags

    async def _leftovers(self, after: Spot) -> list[Item]:
        channel, now = self._options.channel, self._live.clock()
        left, self._last_leftover = await self._db.read(
            lambda db: queries.leftovers(db, channel, after, _LEFTOVERS, now)
        )
        if not left:
            return []
        read = await self._shopify.read_each(delivery.customer_id for delivery in left)
        read_at = asyncio.get_running_loop().time()
        for each in left:
            if (error := read.refused.get(each.customer_id)) is not None:
                await self._delivery.deliverer.cannot_be_read(each, error)
                self.counts[Outcome.FAILED.value] += 1
        return [
            Item(each, read.customers.get(each.customer_id), read_at)
            for each in left
            if each.customer_id not in read.refused
        ]

    async def _list(self) -> ListedPage:
        """The page behind the checkpoint; the first, if Shopify no longer takes its cursor."""
        try:
            page = await self._shopify.roll.page(self._options.created, self._checkpoint.after)
        except UpstreamError as error:
            if not self._is_old or error.error_class is not ErrorClass.UNEXPECTED:
                raise
            self._checkpoint = BackfillCheckpoint()
            page = await self._shopify.roll.page(self._options.created, None)
        self._is_old = False
        return page

    async def _open(self, page: ListedPage) -> list[Delivery]:
        """Decides who gets a delivery, and writes these and the mark in one commit."""
        now, flags = self._live.clock(), self._allowed()
        checkpoint = self._checkpoint_behind(page, now)

        def unit(db: sqlite3.Connection) -> tuple[list[Delivery], Counter[str]]:
            found = self._known(page, db)
            fates = list(self._fates(page, found, flags))
            wanted = [(each, new) for each, _, new in fates if new is not None]
            self._take_sign_ins(db, [each for each, _ in wanted])
            if self._checkpoints:
                queries.checkpoint(db, self._options.key, checkpoint)
            owed = [(each.id, new) for each, new in wanted]
            opened = queries.open_page(db, owed, now, now + LEASE)
            return opened, Counter(fate for _, fate, _ in fates if fate != "would_send")

        opened, counts = await self._db.write(unit)
        self.counts += counts
        self._turn(page)
        return opened

    def _take_sign_ins(self, db: sqlite3.Connection, customers: Iterable[Customer]) -> None:
        """Who can sign in at Shopify has proven their e-mail."""
        if self._options.channel != POS:
            return
        for customer in customers:
            emails = self._delivery.preparation.emails(customer)
            if customer.enabled and proofs.is_news(db, customer.id, emails, signed_in=True):
                proofs.prove(db, customer.id, emails, signed_in=True)

    def _known(self, page: ListedPage, db: sqlite3.Connection) -> Known:
        ids = [customer.id for customer in page.customers]
        registration_ids = [customer.registration_id for customer in page.customers]
        return queries.known(db, self._options.channel, ids, registration_ids)

    def _fates(
        self, page: ListedPage, found: Known, flags: FlagSet
    ) -> Iterator[tuple[Customer, str, NewDelivery | None]]:
        """Counts each customer, and decides which delivery they get."""
        for customer in page.customers:
            if customer.id in found.linked:
                yield customer, "has", None
            elif customer.id in found.owed:
                yield customer, "open", None
            elif not self._channel.takes(customer):
                yield customer, "lacking", None
            else:
                owed = Owed(customer.id, customer.profile.email)
                new = opening(flags, self._options.channel, Kind.BACKFILL, owed)
                goes = new is not None and new.outcome is Outcome.PENDING
                yield customer, "would_send" if goes else "held", new

    def _checkpoint_behind(self, page: ListedPage, now: float) -> BackfillCheckpoint:
        """The last page has no cursor behind it: a run that continues there lists it again."""
        if page.after is None:
            return replace(self._checkpoint, at=now)
        return BackfillCheckpoint(page.after, self._checkpoint.seen + page.listed, now)

    def _turn(self, page: ListedPage) -> None:
        self._checkpoint = BackfillCheckpoint(page.after, self._checkpoint.seen + page.listed)
        self._all_listed = page.after is None
