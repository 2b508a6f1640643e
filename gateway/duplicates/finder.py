"""Finds possible duplicates in the background.

A pair counts only if one of the two is linked to an online customer. Members that changed or were
linked, and after a full scan all linked ones, are looked at in the background, in slices so short
that a registration does not notice. Whom to look at is written to the database together with the
change itself (`store.duplicate_queue`), so that a kill leaves nobody out.
"""

import asyncio
import dataclasses
import logging
import math
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gateway.alerts import notices
from gateway.channels.smaregi import Smaregi
from gateway.delivery import Runtime
from gateway.duplicates.rules import Judgement, Reason, judge_forms
from gateway.store import Engine, duplicate_queue, duplicates, members, signup_evidence
from gateway.store.members import Member
from gateway.store.paging import every_page
from gateway.wire import Lane, lane

__all__ = ["Finder", "examine", "merged_online"]

log = logging.getLogger(__name__)

_EVERY = 1.0
_SLICE = 0.003
"""Seconds that the database's thread is kept; a registration's own work comes in between."""
_PAUSE = 0.01
_AT_ONCE = 50
_REFRESH_EVERY = 60.0
"""Seconds after which the index is refreshed even if nobody registers, so that the till's changes
are noticed. A linked member that is missing for longer than this counts as gone."""
_NEW = 3600.0
"""Seconds for which the index may lack a member that we created."""


class Finder:
    """`smaregi` brings the index up to date; `timer` is monotonic, in seconds."""

    def __init__(
        self,
        db: Engine,
        smaregi: Smaregi,
        runtime: Runtime,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._smaregi = smaregi
        self._runtime = runtime
        self._timer = timer
        self._refreshed_at = timer()
        self._missed: dict[int, float] = {}  # member id -> since when the index lacks it

    def start(self) -> None:
        self._runtime.background.every(_EVERY, self._look, "the search for duplicates")

    async def _look(self) -> None:
        lane.set(Lane.BACKLOG)
        await self.catch_up(pause=_PAUSE)
        if await self._are_missed() or self._timer() - self._refreshed_at > _REFRESH_EVERY:
            self._refreshed_at = self._timer()
            await self._smaregi.members_fresh()

    async def catch_up(self, *, pause: float = 0.0, seconds: float = math.inf) -> None:
        """Looks at all that can be looked at, for `seconds` at most."""
        until = self._timer() + seconds
        at_till = 0
        try:
            while self._timer() < until and await self._db.read(duplicate_queue.is_waiting):
                if await self._db.read(duplicate_queue.is_through):
                    await self._forget_what_is_gone()
                at_till += await self._db.write(self._slice)
                await asyncio.sleep(pause)
        finally:
            if at_till:
                self._runtime.listener.notice(notices.made_at_till(at_till))

    async def _forget_what_is_gone(self) -> None:
        before = self._runtime.clock() - _NEW
        await every_page(self._db.write, partial(duplicates.forget_gone, before=before), (0, 0))
        await every_page(self._db.write, signup_evidence.forget_unlinked, 0)

    async def _are_missed(self) -> bool:
        """Whether linked members wait until the index has them. A member that does not appear for
        long no longer waits.
        """
        now, ids = self._timer(), await self._db.read(duplicate_queue.unknown)
        self._missed = {each: self._missed.get(each, now) for each in ids}
        gone = [each for each, since in self._missed.items() if now - since > _REFRESH_EVERY]
        if gone:
            await self._db.write(lambda db: duplicate_queue.done(db, gone))
        return len(ids) > len(gone)

    def _slice(self, db: sqlite3.Connection) -> int:
        """Those that changed first; then those that a full scan left to be looked at.

        How many were made at the till for a customer.
        """
        now, until, at_till = self._runtime.clock(), self._timer() + _SLICE, 0
        changed = duplicate_queue.next_changed(db, _AT_ONCE)
        if not changed:
            return self._slice_of_linked(db, now, until)
        evidence = duplicate_queue.evidence_of(db, changed)
        looked = list[int]()
        for member_id in changed:
            if member_id in evidence:
                signup_evidence.put(db, *evidence[member_id])
            at_till += examine(db, member_id, now)
            looked.append(member_id)
            if self._timer() > until:
                break
        duplicate_queue.done(db, looked)
        return at_till

    def _slice_of_linked(self, db: sqlite3.Connection, now: float, until: float) -> int:
        linked = duplicate_queue.next_linked(db, _AT_ONCE)
        if not linked:
            duplicate_queue.all_linked_done(db)
        for member_id in linked:
            examine(db, member_id, now)
            duplicate_queue.linked_done(db, member_id)
            if self._timer() > until:
                break
        return 0


def examine(db: sqlite3.Connection, member_id: int, now: float) -> int:
    """Writes down whom this member may be, and removes open pairs that no longer match.

    Returns how many have a customer's e-mail although no sign-up found them, which is news.
    """
    member = members.get(db, member_id)
    if member is None:
        return 0
    known = {pair.other(member_id): pair for pair in duplicates.of_member(db, member_id)}
    ours, others = _alike(db, member)
    if not (others or known):
        return 0
    linked = duplicate_queue.linked(db, [member_id, *others])
    merged = {other_id for other_id, pair in known.items() if Reason.MERGED_ONLINE in pair.reasons}
    found = {other_id: Judgement(()).with_merge() for other_id in merged}
    for other_id, theirs in others.items():
        if member_id in linked or other_id in linked:
            judgement = judge_forms(ours, theirs, known=other_id in known)
            if judgement is not None and other_id in merged:
                judgement = judgement.with_merge()
            if judgement is not None and judgement.is_possible:
                found[other_id] = judgement
    for other_id, pair in known.items():
        if other_id not in found:
            duplicates.forget(db, pair)
    fresh = [
        judgement
        for other_id, judgement in found.items()
        if duplicates.upsert(db, member_id, other_id, judgement.reasons, judgement.score, now)
    ]
    return sum(Reason.EMAIL in judgement.reasons for judgement in fresh)


def merged_online(db: sqlite3.Connection, one: int, other: int, now: float) -> None:
    """The online customers of two members became one: written down beside what is known of them."""
    pair = duplicates.get(db, one, other)
    known = Judgement(tuple(r for r in Reason if pair and r in pair.reasons)).with_merge()
    duplicates.upsert(db, one, other, known.reasons, known.score, now)


def _alike(db: sqlite3.Connection, member: Member) -> tuple[list[Member], dict[int, list[Member]]]:
    """The member's forms, and those of whoever is like one of them: as the till wrote them, and as
    their customers told it.
    """
    ours = _forms(member, signup_evidence.of_members(db, [member.member_id]))
    near = {other.member_id: other for form in ours for other in members.alike(db, form)}
    near[member.member_id] = member  # their own customer's word is found, too
    for form in ours:
        keys = {column: getattr(form, column) for column in signup_evidence.COLUMNS}
        for other_id in signup_evidence.alike(db, keys) - near.keys():
            other = members.get(db, other_id)
            if other is not None:
                near[other_id] = other
    del near[member.member_id]
    said = signup_evidence.of_members(db, near)
    return ours, {other_id: _forms(other, said) for other_id, other in near.items()}


def _forms(member: Member, said: Mapping[int, Mapping[str, bytes | None]]) -> list[Member]:
    told_keys = said.get(member.member_id, {}).items()
    keys: Any = {name: key for name, key in told_keys if key and key != getattr(member, name)}
    return [member, dataclasses.replace(member, **keys)] if keys else [member]
