"""A customer as a member of the store: recognised, linked or created, once.

Every attempt first looks for our own number, so that what an interrupted attempt did is known
again. `customerCode` is unique in Smaregi: it is the idempotency key of a create. The chosen member
and the place of its old number are written down before the write.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from gateway.channels.base import Check, Context, Done, Work
from gateway.channels.smaregi.client import SYSTEM, SmaregiClient
from gateway.channels.smaregi.mapping import member_fields
from gateway.channels.smaregi.points import PointsReader
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.customer import Customer
from gateway.errors import ErrorClass, UpstreamError
from gateway.matching import CreateNew, LinkTo, MemberIndex, Undecided, choose
from gateway.normalize import is_placeholder
from gateway.outcomes import Match
from gateway.store import links
from gateway.store.members import Member, number_taken

__all__ = ["Smaregi"]

log = logging.getLogger(__name__)

_ACTIVE = {"0", "1", "2"}
_OLD_NUMBER = "旧会員番号: "
_SHOPIFY_ID_DIGITS = range(10, 20)
"""Digits of a Shopify customer id; shorter numbers are a shop's own."""

Row = Mapping[str, Any]


class Smaregi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._client = SmaregiClient(context.wire, self._settings, time.monotonic)
        self.points = PointsReader(self._client, self._settings)
        self.index = MemberIndex(
            context.db, context.keys, self._client, context.clock, self._index_ready
        )
        self._tasks: set[asyncio.Task[None]] = set()

    def _settings(self) -> SmaregiSettings:
        return cast(SmaregiSettings, self._context.settings())

    async def start(self) -> None:
        await self.index.open()
        if not self.index.ready:
            self._watch(self.index.start_scan())

    async def close(self) -> None:
        await self.index.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _index_ready(self) -> None:
        self._watch(asyncio.ensure_future(self._context.ready()))

    def _watch(self, task: "asyncio.Task[None] | asyncio.Future[None]") -> None:
        """A scan that fails is begun again by whoever needs it; its error is told once here."""

        def ended(done: "asyncio.Future[None]") -> None:
            self._tasks.discard(cast("asyncio.Task[None]", done))
            if not done.cancelled() and done.exception() is not None:
                log.warning("the scan of members stopped: %s", done.exception())

        self._tasks.add(cast("asyncio.Task[None]", task))
        task.add_done_callback(ended)

    async def deliver(self, work: Work) -> Done:
        own, _ = await asyncio.gather(self._own(work), self.index.fresh())
        if own is not None:
            return await self._recognised(own, work)
        decision = await self._decide(work)
        if isinstance(decision, LinkTo):
            done = await self._link(decision.member, work)
            return replace(done, match=Match(_ids(decision.others), decision.told))
        return replace(await self._create(work), match=Match(_ids(decision.possible)))

    async def _own(self, work: Work) -> Row | None:
        """The member that is this customer's already: by our number, or by the link."""
        number = work.customer.member_number
        looks = [self._client.by_number("customer_code", number)]
        if self._settings().smaregi_link_field == "customerNo":
            looks.append(self._client.by_number("customer_no", number))
        rows = [row for found in await asyncio.gather(*looks) for row in found]
        if not rows and work.link is not None:
            linked = await self._client.by_id(work.link.reference)
            rows = [linked] if linked else []
        active = [row for row in rows if str(row.get("status") or "0") in _ACTIVE]
        if rows and not active:
            raise _conflict("the member with this number is withdrawn or merged")
        return active[0] if active else None

    async def _recognised(self, row: Row, work: Work) -> Done:
        member_id = str(row["customerId"])
        linked = work.plan is not None and str(work.plan.get("member")) == member_id
        adjustments: Sequence[dict[str, str]] = ()
        if work.link is not None and not linked:
            adjustments = await self._bring_up_to_date(row, work)
        return Done(
            action="linked" if linked else "created",
            reference=member_id,
            member_number=self._member_number(row, work),
            adjustments=adjustments,
            match=None if work.link else await self._match_again(member_id, work, linked),
        )

    async def _match_again(self, member_id: str, work: Work, linked: bool) -> Match:
        """What an attempt decided that died after its write."""
        found = await self.index.by_email(work.customer.profile.email)
        pool = [m for m in found if linked or str(m.member_id) != member_id]
        evidence = self.index.evidence(work.customer.profile)
        choice = choose(pool, evidence, link_contradicted=linked)
        if isinstance(choice, LinkTo):
            others = _ids((choice.member, *choice.others))
            rest = tuple(i for i in others if str(i) != member_id)
            return Match(rest, choice.told if linked else None)
        return Match(_ids(choice.possible) if isinstance(choice, CreateNew) and not linked else ())

    async def _bring_up_to_date(self, row: Row, work: Work) -> Sequence[dict[str, str]]:
        """A member of our own making, delivered before: newer data of the same sign-up counts."""
        fields, adjustments = member_fields(work.customer)
        own = {"customerCode", "status"}
        changed = {
            name: value
            for name, value in fields.items()
            if name not in own and str(row.get(name) or "") != value
        }
        if changed:
            await self._client.patch(str(row["customerId"]), changed)
        return adjustments

    def _member_number(self, row: Row, work: Work) -> str:
        """In `customerNo` mode the old card's number stays the one that a till reads."""
        if self._settings().smaregi_link_field == "customerNo":
            return str(row.get("customerCode") or work.customer.member_number)
        return work.customer.member_number

    async def _decide(self, work: Work) -> LinkTo | CreateNew:
        profile = work.customer.profile
        candidates = await self.index.by_email(profile.email)
        if not candidates:
            return CreateNew()
        choice = choose(
            candidates,
            self.index.evidence(profile),
            link_contradicted=self._settings().smaregi_link_contradicted,
        )
        if isinstance(choice, Undecided):
            raise _conflict(choice.reason)
        if isinstance(choice, LinkTo):
            if not work.email_verified and not self._settings().smaregi_link_unverified:
                raise _conflict("the e-mail is not verified (SMAREGI_LINK_UNVERIFIED=false)")
            await self._refuse_somebody_elses(choice.member, work)
        return choice

    async def _refuse_somebody_elses(self, member: Member, work: Work) -> None:
        """A member that is linked to another customer who still exists is not ours to take."""
        ours = work.customer.id
        owners: set[int] = {
            int(number)
            for number in (member.code, member.number)
            if number.isascii() and number.isdigit() and len(number) in _SHOPIFY_ID_DIGITS
        }
        link = await self._context.db.read(
            lambda db: links.of_reference(db, SYSTEM, str(member.member_id))
        )
        if link is not None:
            owners.add(link.customer_id)
        for owner in owners - {ours}:
            if await self._context.customer_exists(owner):
                raise _conflict("the store member with this e-mail belongs to another customer")

    async def _link(self, member: Member, work: Work) -> Done:
        number = work.customer.member_number
        if self._settings().smaregi_link_field == "customerNo":
            if member.number:
                raise _conflict("the member's customerNo is occupied")
            await work.save_plan({"member": member.member_id, "old_number_in": None})
            await self._client.patch(str(member.member_id), {"customerNo": number})
            return Done("linked", str(member.member_id), member.code or number)
        free = not member.number and not await self._number_taken(member.code)
        if member.code and not free:
            return await self._link_with_note(member, work)
        fields = {"customerCode": number}
        if member.code:
            fields["customerNo"] = member.code
        place = "customerNo" if member.code else None
        await work.save_plan({"member": member.member_id, "old_number_in": place})
        try:
            await self._client.patch(str(member.member_id), fields)
        except UpstreamError as error:
            if error.error_class is not ErrorClass.INVALID_DATA or not member.code:
                raise
            return await self._link_with_note(member, work)
        return Done("linked", str(member.member_id), number)

    async def _number_taken(self, code: str) -> bool:
        return await self._context.db.read(lambda db: number_taken(db, code))

    async def _link_with_note(self, member: Member, work: Work) -> Done:
        """Where customerNo is not free the old number goes into the note, once."""
        await work.save_plan({"member": member.member_id, "old_number_in": "note"})
        row = await self._client.by_id(str(member.member_id))
        if row is None:
            raise UpstreamError(
                SYSTEM, "read member", ErrorClass.UNEXPECTED, "the member is gone", applied=False
            )
        note, line = str(row.get("note") or ""), _OLD_NUMBER + member.code
        fields = {"customerCode": work.customer.member_number}
        if line not in note.splitlines():
            fields["note"] = f"{note}\n{line}".strip()
        await self._client.patch(str(member.member_id), fields)
        return Done("linked", str(member.member_id), work.customer.member_number)

    async def _create(self, work: Work) -> Done:
        fields, adjustments = member_fields(work.customer)
        try:
            row = await self._client.create(fields)
        except UpstreamError as error:
            row = await self._made_after_all(error, fields["customerCode"])
        return Done(
            "created", str(row["customerId"]), fields["customerCode"], adjustments=adjustments
        )

    async def _made_after_all(self, error: UpstreamError, code: str) -> Row:
        """After any unclear answer, and any refusal (the text of a duplicate is not documented)."""
        clear = error.applied is False and error.error_class is not ErrorClass.INVALID_DATA
        if clear:
            raise error
        try:
            rows = await self._client.by_number("customer_code", code)
        except UpstreamError:
            raise error from None
        for row in rows:
            if str(row.get("status") or "0") in _ACTIVE:
                return row
        if rows:
            raise _conflict("the member with this number is withdrawn or merged")
        raise error

    async def refresh_members(self) -> AsyncIterator[dict[str, Any]]:
        """Rebuild the index of members; `progress` events, then `end`, with any `error`."""
        scan = self.index.start_scan(again=True)
        yield {"event": "start"}
        while not scan.done():
            await asyncio.wait({scan}, timeout=0.2)
            progress = self.index.progress
            yield {"event": "progress", "members": progress.members, "seconds": progress.seconds}
        end = {"event": "end", "members": progress.members, "seconds": progress.seconds}
        try:
            scan.result()
        except UpstreamError as error:
            yield end | {"error": str(error)}
            return
        yield end | {"indexed": await self.index.size()}

    async def member(self, member_id: int) -> Row | None:
        """The member as Smaregi has it now, with all its fields."""
        return await self._client.by_id(str(member_id))

    def as_member(self, customer: Customer | None) -> Row | None:
        """What the customer says, in the columns of a member."""
        if customer is None:
            return None
        fields, _ = member_fields(customer)
        own = {"customerCode", "status"}
        return {k: v for k, v in fields.items() if k not in own and not is_placeholder(v)}

    async def members_fresh(self) -> None:
        """Bring the index up to date, if there is one yet."""
        if self.index.ready:
            await self.index.fresh()

    async def check(self) -> Sequence[Check]:
        columns = await self._client.required_columns()
        await self._client.member_page(1, None)
        detail = "token, members and required columns can be read"
        if columns:
            detail += f"; this contract also requires {', '.join(sorted(columns))}"
        return [Check("Smaregi", ok=True, detail=detail)]


def _ids(members: Iterable[Member]) -> tuple[int, ...]:
    return tuple(member.member_id for member in members)


def _conflict(reason: str) -> UpstreamError:
    return UpstreamError(SYSTEM, "match", ErrorClass.CONFLICT, reason, applied=False)
