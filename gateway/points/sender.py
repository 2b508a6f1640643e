"""One movement on its way to Smaregi's ledger, exactly once.

    owed    nothing was sent, or it certainly came to nothing. Looked for all the same before it is
            sent: a database that was lost or put back to an older day knows less than Smaregi. What
            is there already is adopted
    sent    written before it leaves; then only a look decides
    done    its transaction's id is known: an answer with it is the proof

What the next start finds when the process dies:

    killed while it looks, or reads the balance    `owed`: begun again
    after `sent` was written, before it left       `sent`: looked for; nothing there for PATIENCE
                                                   seconds of our own time: sent again, the same
    after it left, before or after the answer      `sent`: looked for, and found
    after the answer, before `done` was written    the same
    after `done`                                   nothing is left to do

A refusal (400) is no proof that nothing happened: a repeated transaction may be refused. So it is
looked for after any answer that does not name its id, and after a lost one. Two of them, one that
was cancelled, or one of other points is for a person: `stuck`.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Protocol

from gateway import frozen
from gateway.channels.smaregi.ledger import Entry, Recorded
from gateway.delivery import Runtime
from gateway.errors import ErrorClass, UpstreamError
from gateway.points.added import AddedPoints
from gateway.points.doubt import DOUBT, is_doubtful, made_at
from gateway.points.history import MemberHistory
from gateway.points.marks import Marks
from gateway.points.proof import Proof
from gateway.store import Engine
from gateway.store.points import Movement, Way, movements

__all__ = ["PATIENCE", "Sender", "SenderParts"]

log = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds, by our own running clock, after which what was sent cannot arrive any more."""
WATCHED = 60.0
"""Seconds for which the balance may take to follow the ledger."""
_AT_TILLS = 60.0
"""Seconds beside that time in which a till's transaction may explain the balance."""
_LOOK_AGAIN = 10.0
_WEIGH_AGAIN = 5.0
_OLDEST = 62 * 86400.0
"""Seconds: how far back a transaction of ours is looked for that this database does not know."""
_SLACK = 3600.0
_REMEMBERED = 1000


class Ledger(Protocol):
    async def post(self, entry: Entry) -> str | None: ...

    async def find(self, uuid: str, since: float, until: float) -> list[Recorded]: ...


class Balances(Protocol):
    async def balance(self, member_id: str) -> int | None: ...


@frozen
class SenderParts:
    """`way()`: by which movements are sent, as SMAREGI_POINTS_BY says now."""

    db: Engine
    ledger: Ledger
    members: Balances
    added: AddedPoints
    history: MemberHistory
    proof: Proof
    way: Callable[[], Way]


class Sender:
    def __init__(
        self, parts: SenderParts, runtime: Runtime, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._of = parts
        self._runtime = runtime
        self._clock = clock
        self._since: dict[int, float] = {}
        self._marks = Marks(parts.db, runtime)

    async def go_on(self, movement_id: int) -> None:
        """The next step of a movement; the caller has its member's turn. Raises UpstreamError: then
        it is as it was, or `sent`.
        """
        one = await self._of.db.read(lambda db: movements.get(db, movement_id))
        if one is None:
            return
        if one.state == "owed":
            await self._send(one)
        elif one.state == "sent":
            await self._look(one)

    # -- before it is sent

    async def _send(self, one: Movement) -> None:
        if one.attempts >= len(self._runtime.policy.schedule):
            text = f"Smaregi refused it {one.attempts} times: {one.message}"
            await self._marks.give_up(one, text)
            return
        way = self._of.way()
        seen_since = self._runtime.clock() - _OLDEST if way == "transaction" else math.inf
        if await self._of.db.read(partial(is_doubtful, one=one, seen_since=seen_since)):
            await self._marks.stuck(one, DOUBT)
            return
        if way == "transaction" and (found := await self._known(one)):
            await self._found_before(one, found)
            return
        watched = way == "transaction" and not await self._of.proof.is_proven()
        if watched and await self._of.db.read(lambda db: movements.any_sent(db, one.id)):
            await self._marks.later(one, 1.0)
            return
        balance: int | None = None
        if watched or one.points < 0:
            balance = await self._of.members.balance(str(one.member_id))
            if balance is None:
                await self._marks.give_up(one, "Smaregi has no such member any more")
                return
            if balance + one.points < 0 and one.points < 0:
                await self._marks.take_what_is_there(one, max(0, balance))
                return
        await self._leave(one, way, balance if watched else None)

    async def _known(self, one: Movement) -> list[Recorded]:
        """Those with its number that Smaregi has already, made since what it is for was."""
        made = await self._of.db.read(lambda db: made_at(db, one))
        now = self._runtime.clock()
        since = max(min(made or now, one.created_at) - _SLACK, now - _OLDEST)
        return await self._of.ledger.find(one.uuid, since, max(now, one.tran_at) + _SLACK)

    async def _found_before(self, one: Movement, found: Sequence[Recorded]) -> None:
        """It was sent before: by us, and its answer was lost for good, or by a gateway whose
        database was lost.
        """
        (first, *more) = found
        if more or first.cancelled or first.points == 0:
            await self._marks.stuck(one, _puzzle(found))
        elif first.points == one.points and first.member_id == one.member_id:
            await self._marks.done(one, first.head_id)
        elif one.attempts == 0:
            await self._marks.adopt(one, first)
        else:
            await self._marks.stuck(one, _puzzle(found))

    # -- sent

    async def _leave(self, one: Movement, way: Way, balance: int | None) -> None:
        now = self._runtime.clock()
        sent = await self._of.db.write(lambda db: movements.sending(db, one, way, balance, now))
        if sent is None:
            return  # its points have just changed: it is begun again
        self._remember(one)
        try:
            head_id = await self._carry_out(sent)
        except UpstreamError as error:
            if error.applied is False:
                await self._marks.not_done(sent, error)
                raise
            log.warning("points: movement %d: %s; looked for", sent.id, error)
            await self._marks.note(sent, str(error))
            await self._look(sent)
            return
        if head_id is None:
            await self._look(sent)
        else:
            await self._has(sent, head_id)

    def _remember(self, one: Movement) -> None:
        """When it left. Who is forgotten here is only looked for a little longer."""
        now = self._clock()
        if len(self._since) >= _REMEMBERED:
            self._since = {k: at for k, at in self._since.items() if now - at < 2 * PATIENCE}
        self._since[one.id] = now

    async def _carry_out(self, sent: Movement) -> str | None:
        if sent.way == "add":
            return await self._of.added.add(sent)
        entry = Entry(
            uuid=sent.uuid,
            member_id=sent.member_id,
            points=sent.points,
            store_id=sent.store_id,
            terminal_id=sent.terminal_id,
            number=sent.id,
            at=sent.tran_at,
            memo=_memo(sent),
        )
        return await self._of.ledger.post(entry)

    # -- looked for

    async def _look(self, sent: Movement) -> None:
        if sent.head_id is not None:
            await self._weigh(sent)
            return
        if sent.way == "add":
            found = await self._of.added.find(sent)
            if found is None or len(found) != 1:
                await self._missing_added(sent, found)
                return
        else:
            found = await self._of.ledger.find(sent.uuid, sent.tran_at - 1, sent.tran_at + 1)
        match found:
            case [] if self._waited(sent) >= PATIENCE:
                await self._marks.again(sent)
            case []:
                await self._marks.later(sent, _LOOK_AGAIN)
            case [one] if _is_it(sent, one):
                await self._has(sent, one.head_id)
            case _:
                await self._marks.stuck(sent, _puzzle(found))

    async def _missing_added(self, sent: Movement, found: Sequence[Recorded] | None) -> None:
        """Added points bear no number of ours: unless exactly one fits, a person has to look."""
        if found is not None and self._waited(sent) < PATIENCE:
            await self._marks.later(sent, _LOOK_AGAIN)
            return
        count = "no member" if found is None else f"{len(found)} transactions that fit"
        await self._marks.stuck(sent, f"the answer was lost, and Smaregi has {count}")

    def _waited(self, sent: Movement) -> float:
        """Since it was sent; after a restart, since it was first looked for."""
        now = self._clock()
        return now - self._since.setdefault(sent.id, now)

    async def _has(self, sent: Movement, head_id: str) -> None:
        """Smaregi has it. The first movement is watched until it is seen in the balance."""
        if sent.way == "add" or sent.balance_before is None or await self._of.proof.is_proven():
            await self._marks.done(sent, head_id)
            return
        now = self._runtime.clock()
        await self._of.db.write(lambda db: movements.remember_head(db, sent.id, head_id, now))
        await self._weigh(replace(sent, head_id=head_id))

    async def _weigh(self, sent: Movement) -> None:
        head_id, before = sent.head_id or "", sent.balance_before
        balance = await self._of.members.balance(str(sent.member_id))
        if balance is None or before is None or balance != before:
            if balance is not None and before is not None and balance == before + sent.points:
                await self._of.proof.proven()
            await self._marks.done(sent, head_id)
        elif self._waited(sent) < WATCHED:
            await self._marks.later(sent, _WEIGH_AGAIN)
        elif await self._is_explained(sent, head_id):
            await self._marks.done(sent, head_id)
        else:
            text = await self._of.proof.stop(sent, self._runtime.clock())
            self._runtime.listener.failed("points", ErrorClass.CONFLICT, text)

    async def _is_explained(self, sent: Movement, head_id: str) -> bool:
        """Whether a till took just as many: then the balance is as it was, although ours counted.
        Which of the others came before the balance was read is not known: the earliest ones.
        """
        after = max(0.0, self._runtime.clock() - (sent.sent_at or 0.0)) + _AT_TILLS
        rows = await self._of.history.around(sent, _AT_TILLS, after) or []
        others = [row.points for row in rows if row.head_id != head_id]
        return -sent.points in accumulate(reversed(others))


def _memo(one: Movement) -> str:
    if one.order_id is not None:
        return f"オンライン注文 {one.order_id}"
    return f"オンラインポイント利用 {one.reservation_id}"


def _is_it(sent: Movement, there: Recorded) -> bool:
    same = there.points == sent.points and there.member_id == sent.member_id
    return same and not there.cancelled


def _puzzle(found: Sequence[Recorded]) -> str:
    ids = ", ".join(one.head_id for one in found)
    if len(found) > 1:
        return f"Smaregi has it {len(found)} times: transactions {ids}"
    if found and found[0].cancelled:
        return f"it was cancelled in Smaregi: transaction {ids}"
    return f"Smaregi has another member or other points under its number: transaction {ids}"
