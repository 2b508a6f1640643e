"""A customer as a member of the store: recognised, linked or created, once.

Every attempt first looks for our own number, and so finds what an interrupted attempt did; of a
customer whom Shopify made a moment ago nobody can know the number, and a member who has it all the
same is found when the create is refused. `customerCode` is unique in Smaregi: it is the idempotency
key of a create. The chosen member and the place of its old number are written down before the
write.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from gateway.channels.base import Check, Context, Done, Work
from gateway.channels.smaregi.check import check
from gateway.channels.smaregi.client import SmaregiClient
from gateway.channels.smaregi.create import MemberCreation
from gateway.channels.smaregi.decision import MatchDecision, ids
from gateway.channels.smaregi.from_member import differing_values
from gateway.channels.smaregi.member_number import MemberNumbers, Target, merged_away, text_of
from gateway.channels.smaregi.ownership import RecordOwnership, conflict
from gateway.channels.smaregi.points import PointsReader
from gateway.channels.smaregi.required_columns import RequiredColumns
from gateway.channels.smaregi.retire import absorb, withdraw
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.channels.smaregi.shown import shown
from gateway.channels.smaregi.update import bring_up_to_date, customers_fields, give, stays
from gateway.customer import Customer
from gateway.matching import LinkTo, MemberIndex, rebuild
from gateway.normalize import is_placeholder
from gateway.outcomes import Link, Match
from gateway.store.members import Member

__all__ = ["Smaregi"]

log = logging.getLogger(__name__)

_ASKED_ONE_BY_ONE = 100
"""If more members than this are reported deleted at once, everything is read again."""
_LINKABLE = {"0", "2"}
"""A person suspended such a member (1): lift that at the till first."""

Row = Mapping[str, Any]


class Smaregi:
    consent = "mailReceiveFlag"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = cast(Callable[[], SmaregiSettings], context.settings)
        self.client = SmaregiClient(context.wire, self._settings, time.monotonic)
        self.points = PointsReader(self.client, self._settings)
        self.index = MemberIndex(
            context.db, context.keys, self.client, context.clock, self._index_ready
        )
        self.ownership = RecordOwnership(context, self.client)
        self._deciding = MatchDecision(self.client, self.index, self.ownership, self._settings)
        self.required = RequiredColumns(self.client.required_columns, time.monotonic)
        self._creating = MemberCreation(self.client, self.required, self.ownership, context.clock)
        self.numbers = MemberNumbers(self.client, self._settings, self.ownership.number_taken)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        log.info("%s", self._settings().linking)
        self.required.keep_fresh()
        await self.index.open()
        await self.ownership.open()
        if not self.index.ready or self.index.outdated:
            self._watch(self.index.start_scan())

    async def close(self) -> None:
        await self.index.close()
        await self.required.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _index_ready(self) -> None:
        self._watch(asyncio.ensure_future(self._context.ready()))

    def _watch(self, task: "asyncio.Task[None] | asyncio.Future[None]") -> None:
        """Logs a failed scan once; whoever needs the index begins a new scan."""

        def ended(done: "asyncio.Future[None]") -> None:
            self._tasks.discard(cast("asyncio.Task[None]", done))
            if not done.cancelled() and done.exception() is not None:
                log.warning("the scan of members stopped: %s", done.exception())

        self._tasks.add(cast("asyncio.Task[None]", task))
        task.add_done_callback(ended)

    @property
    def numbers_by_rule(self) -> bool:
        return self._settings().smaregi_link_field == "customerCode"

    def fields_of(self, customer: Customer) -> dict[str, str]:
        return customers_fields(customer)[0]

    def takes(self, _: Customer) -> bool:
        return True

    def foresee_sign_up(self) -> None:
        self.index.foresee()

    async def deliver(self, work: Work) -> Done:
        chosen = _by_hand(work)
        if chosen is not None:
            return await self._link_chosen(chosen, work)
        if work.link is not None:
            return await self._up_to_date(work.link, work)
        own: Row | None = None
        if work.fresh:  # a number of this moment is not looked for
            await self.index.fresh()
        else:
            own, _ = await asyncio.gather(self._own(work), self.index.fresh())
        found = await self.index.by_email(work.customer.profile.email) if own is None else []
        if found and self._is_among(found, work):  # an earlier attempt's, since the look
            own = await self._own(work)
        if own is not None:
            return await self._recognised(own, work)
        possible: tuple[int, ...] = ()
        if found:
            unproven = await self.ownership.unproven(work)
            decision = await self._deciding.decide(work, found, proven=unproven is None)
            if isinstance(decision, LinkTo):
                match = Match(ids(decision.others), decision.signup_evidence)
                return await self._link(Target.of(decision.member, unproven), work, match)
            possible = ids(decision.possible)
        return await self._creating.create(work.customer, Match(possible))

    async def _up_to_date(self, link: Link, work: Work) -> Done:
        """The survivor of a merge may have a member whose making was never heard of: that one has
        their number, and becomes theirs; the other keeps card and points.
        """
        own = await self._own(work) if merged_away(work) else None
        if own is not None and str(own["customerId"]) != link.reference:
            match = Match((int(link.reference),), merged=True)
            return replace(await self._recognised(own, work), match=match)
        link = await self.numbers.follow(link, work)
        return await bring_up_to_date(self.client, link, work)

    async def _link_chosen(self, member_id: str, work: Work) -> Done:
        """A person chose the member: only what forbids the link counts, not e-mail or evidence."""
        own = await self._own(work)
        if own is not None and str(own["customerId"]) != member_id:
            raise conflict(f"the customer has another store member ({own['customerId']})")
        if work.link is not None and work.link.reference != member_id:
            raise conflict(f"the customer has another store member ({work.link.reference})")
        row = own or await self.client.by_id(member_id)
        if row is None:
            raise conflict("the store member that was chosen is gone")
        if work.customer.member_number in {row.get("customerCode"), row.get("customerNo")}:
            return await self._recognised(row, work)
        self.ownership.refuse_apart([row], work.customer.id)
        if _status(row) not in _LINKABLE:
            raise conflict(f"the store member that was chosen has status {_status(row)}")
        if await self.ownership.owners(row, besides=work.customer.id):
            raise conflict("the store member that was chosen belongs to another customer")
        match = Match(signup_evidence=self.index.signup_evidence(work.customer.profile))
        return await self._link(Target.chosen(row), work, match)

    async def _link(self, target: Target, work: Work, match: Match) -> Done:
        former = await self.ownership.take(target.member_id, work.customer.id)
        done = await self.numbers.give(target, work)
        return replace(done, match=match, instead_of=former)

    async def _own(self, work: Work) -> Row | None:
        """The member that has our number, and so belongs to this customer already."""
        in_number = self._settings().smaregi_link_field == "customerNo"
        return await self.ownership.carrier(work.customer, also_second=in_number)

    def _is_among(self, found: Sequence[Member], work: Work) -> bool:
        """Whether one of them has our number, as `_own` looks for it."""
        in_number = self._settings().smaregi_link_field == "customerNo"
        number = work.customer.member_number
        return any(number in {each.code, each.number if in_number else ""} for each in found)

    async def _recognised(self, row: Row, work: Work) -> Done:
        """Found by our number: an earlier attempt linked or created it, or it had the number
        before.

        If an earlier attempt created it, it used older data, so what differs is sent.
        """
        member_id = str(row["customerId"])
        former = await self.ownership.former(member_id, work.customer.id)
        plan = work.plan or {}
        linked = str(plan.get("member")) == member_id
        fields, adjustments = customers_fields(work.customer)
        sent = changes = work.changes(fields) if linked else {}
        if work.retried and not linked:
            changes = {n: v for n, v in fields.items() if str(row.get(n) or "") != v}
            sent = fields
        refused = await give(self.client, member_id, changes, work)
        return Done(
            action="linked" if linked else "created",
            reference=member_id,
            member_number=self.numbers.shown(row, work),
            adjustments=[*adjustments, *refused] if sent else (),
            old_number=(plan.get("old_number") or None) if linked else None,
            old_place=plan.get("old_number_in") if linked else None,
            fields=fields,
            sent=sent,
            in_record=differing_values({**row, **changes}, fields),
            kept=stays(row, refused),
            unproven=bytes.fromhex(plan["unproven"]) if linked and "unproven" in plan else None,
            match=None if work.link else await self._deciding.again(member_id, work, linked),
            instead_of=former,
        )

    async def members_changed(self, deleted: Sequence[int]) -> None:
        """Takes the members of a webhook into the index; `deleted` are reported gone."""
        if len(deleted) > _ASKED_ONE_BY_ONE:
            self._watch(self.index.start_scan(again=True))
            return
        await self.index.fresh()
        gone = [each for each in deleted if await self.client.by_id(str(each)) is None]
        if gone:
            await self.index.forget(gone)

    async def remove(self, link: Link) -> Done:
        """The store member stays, with card and points, or is withdrawn: SMAREGI_ON_DELETE.

        A member who is another customer's by now is never withdrawn: the e-mail is the same.
        """
        wanted, leaves = self._settings().smaregi_on_delete == "withdraw", False
        held = await self.ownership.hold(link)
        try:
            leaves = held and wanted and not await self.ownership.is_anothers(link)
            if not leaves:
                await self.numbers.give_back(link)
        finally:
            if not leaves:
                self.ownership.release(int(link.reference), link.customer_id)
        if leaves:
            await self.withdraw(link)  # still locked: whoever read it before reads it again
        return Done("withdrawn" if leaves else "unlinked", link.reference)

    async def unlink(self, link: Link) -> str | None:
        """Removes the customer's number from the member, which gets its old or its own number.

        Returns the number that it has now, None if the member is gone. May be repeated.
        """
        self.ownership.release(int(link.reference), link.customer_id)
        return await self.numbers.give_back(link)

    async def withdraw(self, link: Link) -> None:
        """Withdraws the member (status 3); it keeps number and points. May be repeated."""
        await withdraw(self.client, link.reference)

    async def absorb(self, member_id: str, survivor_id: str) -> bool:
        """Marks the member as merged (status 4), and notes where it went. May be repeated.

        False if the note had no room for it.
        """
        return await absorb(self.client, member_id, survivor_id)

    def refresh_members(self) -> AsyncIterator[dict[str, Any]]:
        """Rebuild the index of members; `progress` events, then `end`, with any `error`."""
        return rebuild(self.index)

    async def record(self, reference: str) -> Row | None:
        """The member of a link as Smaregi has it now, with all its fields."""
        return await self.client.by_id(reference)

    def shown(self, fields: Mapping[str, Any]) -> dict[str, str]:
        return shown(fields)

    def as_member(self, customer: Customer | None) -> Row | None:
        """The customer's data, in the columns of a member."""
        if customer is None:
            return None
        return {k: v for k, v in self.fields_of(customer).items() if not is_placeholder(v)}

    async def members_fresh(self) -> None:
        """Brings the index up to date, if it exists."""
        if self.index.ready:
            await self.index.fresh()

    async def record_of(self, customer_id: int) -> str | None:
        found = await self.ownership.with_number(str(customer_id))
        return str(found[0]["customerId"]) if found else None

    async def check(self) -> Sequence[Check]:
        return await check(self.client, self.required, self._settings().linking)


def _status(row: Row) -> str:
    return text_of(row, "status") or "0"


def _by_hand(work: Work) -> str | None:
    """The member that a person chose for this customer."""
    plan = work.plan or {}
    return str(plan["member"]) if plan.get("by_hand") else None
