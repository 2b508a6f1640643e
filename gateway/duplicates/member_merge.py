"""A person makes two store members one: points move, the absorbed member ends, the link stays.

What is on disk when the process dies, and how the next run of the same command (or the next
`serve`) continues:

    begun     nothing was sent; it begins anew
    taking    the absorbed's balance says whether its points have left it: `taken`, or `given`
    taken     the survivor gets the points now
    giving    the survivor's balance says whether it has them
    given     what the till gave the absorbed meanwhile is taken; it gives up the customer's number
    linking   the link moves by a delivery of its own; the absorbed member gets status 4 and a note
    done

If a balance says neither, the merge stops for a person (`problem`); see `points` for the order.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

from gateway.channels.smaregi import Smaregi
from gateway.delivery import Runtime
from gateway.duplicates.command_events import Event, Report, Unfinished, events_of
from gateway.duplicates.linking import CHANNEL, Linking
from gateway.duplicates.merge_plan import Plan, member_pair
from gateway.duplicates.points import PointsTransfer, UnclearBalance
from gateway.duplicates.steps import of_merge
from gateway.errors import CommandRefused, StorageError, UpstreamError
from gateway.outcomes import Link
from gateway.store import Engine, duplicates, links, merges
from gateway.store.merges import Merge
from gateway.store.points import orders, reservation_steps

__all__ = ["MemberMerge"]

log = logging.getLogger(__name__)

_MOVED = {"taken", "giving"}
"""Steps at which the points are at neither member."""


class MemberMerge:
    """One merge at a time. `again`: seconds between two looks at what is unfinished."""

    again = 60.0

    def __init__(
        self,
        db: Engine,
        smaregi: Smaregi,
        linking: Linking,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._smaregi = smaregi
        self._linking = linking
        self._runtime = runtime
        self._points = PointsTransfer(db, smaregi.client, runtime.clock)
        self._one_at_a_time = asyncio.Lock()

    async def look(self, one: int, other: int, survivor: int | None) -> Plan | Merge:
        """What a merge would do, or the one that has begun. Raises Refused if impossible."""
        self._linking.require_flag()
        known = await self._db.read(lambda db: merges.get(db, one, other))
        if known is not None and known.step != "begun":
            if survivor not in {None, known.survivor}:
                raise CommandRefused(
                    f"Member {known.survivor} survives: this merge has begun like that."
                )
            return known
        for merge in await self._db.read(lambda db: merges.others(db, one, other)):
            raise CommandRefused(
                f"The merge of {merge.pair[0]} and {merge.pair[1]} must end first."
            )
        return await self._plan(one, other, survivor)

    async def _plan(self, one: int, other: int, survivor: int | None) -> Plan:
        plan = (await member_pair(self._smaregi, one, other)).plan(survivor)
        if plan.moves_link is not None:
            self._linking.require_flag(await self._linking.customer(plan.moves_link))
            self._linking.require_room(plan.survivor.member_id, plan.survivor.row)
        return plan

    def merge(
        self, one: int, other: int, survivor: int | None, *, points_settled: bool = False
    ) -> AsyncIterator[Event]:
        """Events (`gateway.duplicates.command_events`). `points_settled`: the merge had stopped
        over the points, and a person has corrected them; they are not touched again.
        """

        async def work(report: Report) -> str:
            async with self._one_at_a_time, self._smaregi.client.ledger.turns.of(one, other):
                await self._points.require_rest(one, other)
                merge = await self._begun(one, other, survivor)
                if points_settled:
                    merge = await self._settled_by_hand(merge)
                return await self._finish(merge, report, by_hand=points_settled)

        return events_of(self._runtime.background, work)

    async def _begun(self, one: int, other: int, survivor: int | None) -> Merge:
        found = await self.look(one, other, survivor)
        if isinstance(found, Merge):
            return found
        leaving, absorbed = self._smaregi.ownership.leaving, found.absorbed.member_id
        leaving.add(absorbed)  # from here on nobody begins to be linked to it
        try:
            plan = await self._nobody_is_just_linked(found)
        except BaseException:
            leaving.discard(absorbed)
            raise
        now = self._runtime.clock()
        merge = Merge(
            plan.survivor.member_id,
            absorbed,
            "begun",
            plan.moves_link,
            created_at=now,
            updated_at=now,
        )
        await self._db.write(lambda db: merges.write(db, merge))
        return merge

    async def _nobody_is_just_linked(self, plan: Plan) -> Plan:
        """The plan once more, with the link that the absorbed member got since it was looked at."""
        pair = plan.absorbed.member_id, plan.survivor.member_id
        for member_id in pair:
            if await self._smaregi.ownership.is_being_linked(member_id):
                raise Unfinished(
                    f"Member {member_id} is just being linked to an online customer: run the same "
                    "command again in a minute."
                )
        return await self._plan(*pair, plan.survivor.member_id)

    async def _settled_by_hand(self, merge: Merge) -> Merge:
        if merge.problem is None:
            raise CommandRefused(
                "This merge did not stop over its points: run it without that option."
            )
        settled = merge.at("given", self._runtime.clock(), problem=None)
        await self._db.write(lambda db: merges.write(db, settled))
        return settled

    async def _finish(self, merge: Merge, report: Report, *, by_hand: bool = False) -> str:
        if merge.step == "done":
            return of_merge("already", merge)
        self._smaregi.ownership.leaving.add(merge.absorbed)
        if merge.problem is not None:
            raise Unfinished(of_merge("look", merge, problem=merge.problem))
        try:
            merge = await self._free_the_number(await self._move_points(merge, report), report)
            if not by_hand and await self._points.balance(merge.absorbed) > 0:
                report(of_merge("more", merge))
                merge = await self._points.take(merge, report)
                merge = await self._free_the_number(await self._move_points(merge, report), report)
        except UnclearBalance as puzzle:
            raise Unfinished(await self._stop(merge, str(puzzle))) from None
        except UpstreamError as error:
            raise Unfinished(await self._interrupted(merge, error)) from None
        return await self._close(merge, report)

    # -- points

    async def _move_points(self, merge: Merge, report: Report) -> Merge:
        if merge.step in {"begun", "taking"}:
            merge = await self._points.take(merge, report)
            if merge.step == "given":
                report(of_merge("no points", merge))
            else:
                report(of_merge("left", merge))
        if merge.step in _MOVED:
            merge = await self._points.give(merge, report)
            report(of_merge("reached", merge))
        return merge

    async def _stop(self, merge: Merge, problem: str) -> str:
        """Stops for a person: nothing continues by itself. Says what to do."""
        known = await self._db.read(lambda db: merges.get(db, *merge.pair)) or merge
        if known.step == "begun":
            await self._forget(known)
            return f"Nothing was moved: {problem}."
        stopped = replace(known, problem=problem, updated_at=self._runtime.clock())
        await self._db.write(lambda db: merges.write(db, stopped))
        return of_merge("look", stopped, problem=problem)

    async def _interrupted(self, merge: Merge, error: UpstreamError) -> str:
        """The state in words; a merge that has not moved anything is forgotten."""
        known = await self._db.read(lambda db: merges.get(db, *merge.pair)) or merge
        await self._forget(known)
        stands = {
            "begun": "Nothing was moved.",
            "taking": f"Whether its points have left member {known.absorbed} is not yet known.",
            "given": f"The points that it had have left member {known.absorbed}.",
            "linking": f"The points that it had have left member {known.absorbed}.",
        }.get(
            known.step,
            f"{known.points} points have left member {known.absorbed} and are still owed to "
            f"member {known.survivor}.",
        )
        return f"smaregi: {error}. {stands} Run the same command again: it goes on."

    async def _forget(self, merge: Merge) -> None:
        """Forgets the merge if nothing has moved."""
        await self._db.write(lambda db: merges.forget(db, merge))
        if merge.step == "begun":
            self._smaregi.ownership.leaving.discard(merge.absorbed)

    # -- the link and the end

    async def _free_the_number(self, merge: Merge, report: Report) -> Merge:
        """If the absorbed member had the link, it moves: first the number, then the row, in one
        commit.
        """
        customer_id = merge.customer_id
        if merge.step != "given" or customer_id is None:
            return merge
        async with self._linking.alone(customer_id):
            link = await self._smaregi.ownership.link_of(str(merge.absorbed))
            link = link or Link(CHANNEL, customer_id, str(merge.absorbed))
            number = await self._smaregi.unlink(link)
            linking = merge.at("linking", self._runtime.clock())
            await self._db.write(lambda db: self._move_link(db, linking, customer_id))
            self._smaregi.ownership.apart.discard(
                (customer_id, merge.survivor)
            )  # the newer decision
        report(of_merge("number", merge, number=number))
        return linking

    def _move_link(self, db: sqlite3.Connection, merge: Merge, customer_id: int) -> None:
        links.remove(db, CHANNEL, customer_id, str(merge.absorbed))
        self._linking.owe_link(db, customer_id, merge.survivor, self._runtime.clock())
        merges.write(db, merge)

    async def _close(self, merge: Merge, report: Report) -> str:
        noted = await self._smaregi.absorb(str(merge.absorbed), str(merge.survivor))
        report(of_merge("marked" if noted else "no room", merge))
        left = await self._points.balance(merge.absorbed)
        done = merge.at("done", self._runtime.clock())

        def unit(db: sqlite3.Connection) -> None:
            merges.write(db, done)
            duplicates.set_state(db, *done.pair, "merged", done.updated_at)
            orders.move_member(db, merge.absorbed, merge.survivor)
            reservation_steps.move_member(db, merge.absorbed, merge.survivor)

        await self._db.write(unit)
        if merge.customer_id is not None:
            report(await self._linking.attempt_owed(merge.customer_id))
        if left > 0:
            raise Unfinished(of_merge("points since", merge, number=left))
        return of_merge("done", merge)

    # -- what a dead owner left, or Smaregi's trouble

    async def start(self) -> None:
        """Finishes by itself what has begun to move; what needs a person waits for one."""
        with suppress(StorageError):
            begun = await self._db.read(merges.unfinished)
            self._smaregi.ownership.leaving |= {merge.absorbed for merge in begun}
        self._runtime.background.go_round(self._go_on, "unfinished merges of members")

    async def _go_on(self) -> float:
        for merge in await self._db.read(merges.unfinished):
            if merge.problem is None and not self._one_at_a_time.locked():
                async for event in self._again(merge):
                    if event["event"] == "end":
                        log.info("the merge of members %d and %d: %s", *merge.pair, event["text"])
        return self.again

    def _again(self, merge: Merge) -> AsyncIterator[Event]:
        """Only what has begun to move: a person has to start the others again."""

        async def work(report: Report) -> str:
            async with self._one_at_a_time, self._smaregi.client.ledger.turns.of(*merge.pair):
                self._linking.require_flag()
                known = await self._db.read(lambda db: merges.get(db, *merge.pair))
                if known is None or known.step == "begun":
                    return "nothing was moved"
                return await self._finish(known, report)

        return events_of(self._runtime.background, work)
