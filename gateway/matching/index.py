"""The index of Smaregi members, since its API cannot search by e-mail.

One scan fills it, paged by id (the list moves while it is read). Before each decision it is
brought up to date with what changed since, by Smaregi's own time stamps. One refresh serves all who
asked before it began; a sign-up asks when it begins, so that Smaregi answers beside Shopify. The
rows hold ids, numbers and keyed hashes; nothing readable.

What is read first may be written last, by two lanes or by a refresh beside a scan. So a row is
never replaced by one with an older time stamp, nor, within the same second, by one of an earlier
refresh.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.customer import Profile
from gateway.errors import NotReadyError
from gateway.matching.emails import MemberEmails
from gateway.matching.hashing import in_slices
from gateway.matching.keying import Keying
from gateway.matching.match_keys import KEYS, earlier, instant
from gateway.matching.refreshes import Refreshes
from gateway.matching.rules import Evidence
from gateway.matching.scan import HIGHEST_ID, MemberSource, Page, ScanProgress, pages, scan
from gateway.matching.written import Met, WrittenRows
from gateway.store import Engine, Keys, duplicate_queue, member_pass, members
from gateway.store.members import Member
from gateway.wire import Lane, lane

__all__ = ["MemberIndex", "MemberSource", "ScanProgress"]

log = logging.getLogger(__name__)

WAIT_FOR_SCAN = 2.0
"""Seconds that a registration waits for the first scan."""
OVERLAP = 2.0
"""Seconds that a refresh looks back behind the newest stamp: stamps have whole seconds, and a
change may become visible a little after a later one."""
LONGEST_GAP = 29 * 86400.0
"""Smaregi looks back 31 days at most; after a longer gap everything is scanned."""


class MemberIndex:
    """`on_ready` is called whenever a scan completes."""

    def __init__(
        self,
        db: Engine,
        keys: Keys,
        source: MemberSource,
        clock: Callable[[], float] = time.time,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._keying = Keying(keys)
        self._hasher = self._keying.newest
        self._source = source
        self._clock = clock
        self._on_ready = on_ready
        self.ready = False
        self._scan: asyncio.Task[None] | None = None
        self._refreshes = Refreshes(self._changes, source.seconds_apart)
        self._stamp = ""  # the newest time stamp of Smaregi's that we have seen
        self._refreshed_at = 0.0
        self._noted_at = 0.0
        self._begun = 0  # refreshes
        self._writing = asyncio.Lock()
        self._touched: set[int] = set()  # ids that refreshes met while a scan runs
        self._written = WrittenRows()
        self._emails = MemberEmails(db)
        self.progress = ScanProgress()
        self.outdated = False  # complete, but with the keys of an older build: to be built anew

    async def open(self) -> None:
        """Take up what the database has: a complete index by a secret at hand needs no scan."""

        def unit(db: Any) -> list[str]:
            names = ("members_stamp", "members_refreshed_at", "members_complete", "members_keys")
            return [members.get_meta(db, name) or "" for name in names]

        self._hasher = await self._db.write(self._keying.take_up)
        self._stamp, refreshed_at, complete, keys = await self._db.read(unit)
        self.outdated = bool(complete) and keys != KEYS
        self._refreshed_at = self._noted_at = float(refreshed_at or 0)
        self._written.clear()
        self._emails.open()
        self.ready = self.progress.done = bool(complete)

    async def size(self) -> int:
        return await self._db.read(members.size)

    async def rekey(self, *, scan: bool) -> None:
        """Keys the index by the newest secret, by a scan; otherwise the next start scans.

        Returns once it is done; whoever needs the index waits meanwhile. May be repeated.
        """
        if not await self._db.read(self._keying.is_newest):
            self.ready = False
            await self._end_what_runs()
            self.progress, self._hasher = ScanProgress(), self._keying.newest
            self._written.clear()
            await self._db.write(self._keying.renew)
        if scan and not self.ready:
            await asyncio.shield(self.start_scan())

    async def _end_what_runs(self) -> None:
        """What is hashed by the older secret is not written after this."""
        if self._scan is not None:
            self._scan.cancel()
            await asyncio.wait({self._scan})
        while left := [task for task in self._refreshes.tasks() if not task.done()]:
            await asyncio.wait(left)

    async def close(self) -> None:
        scan = [self._scan] if self._scan else []
        for task in [*self._refreshes.tasks(), *self._emails.tasks(), *scan]:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    def start_scan(self, *, again: bool = False) -> "asyncio.Task[None]":
        """Begin the scan, or join the one that runs; `again` rebuilds a complete index."""
        if self._scan is None or self._scan.done():
            self._scan = asyncio.create_task(self._full_scan(again=again), name="member scan")
        return self._scan

    def foresee(self) -> None:
        """A sign-up begins: in its context `fresh` speaks of now, and is begun if it can be."""
        if self.ready and not self._gap_too_long():
            self._refreshes.foresee()

    async def fresh(self) -> None:
        """Return once the index holds all that Smaregi had when this was called, or when the
        sign-up that calls it began (`foresee`).
        """
        if self._gap_too_long():
            self.ready = False
        if self.ready:
            await asyncio.shield(self._refreshes.join())
        else:
            await self._wait_for_scan()

    async def _wait_for_scan(self) -> None:
        task = self.start_scan(again=False)
        await asyncio.wait({task}, timeout=WAIT_FOR_SCAN)
        if not task.done() or task.cancelled():
            raise NotReadyError("smaregi", "the first scan of the store's members still runs")
        await asyncio.shield(task)

    def _gap_too_long(self) -> bool:
        return abs(self._clock() - self._refreshed_at) > LONGEST_GAP

    async def _changes(self) -> None:
        """Reads what changed since the newest stamp seen, minus an overlap.

        The stamp moves with the last page: after a failure all pages are read again. It stays
        behind whatever may have changed on the first pages while the last ones were read.
        """
        began = self._clock()
        self._begun += 1
        refresh, newest = self._begun, self._stamp
        since = self._since(began) if self._stamp else None
        async for low, high, page in pages(self._source, 1, since):
            async with self._writing:  # nobody else writes between what is met and the write
                met = self._written.meet(low, page, refresh)
                newest = max(newest, met.newest, key=instant)
                took = 0.0 if low == 1 else abs(self._clock() - began)
                await self._write(met, earlier(newest, took) if high == HIGHEST_ID else "")
        self._refreshed_at = began
        if began - self._noted_at > 3600:
            self._noted_at = began
            await self._db.write(
                lambda db: members.set_meta(db, "members_refreshed_at", repr(began))
            )

    def _since(self, now: float) -> str:
        """The newest stamp less the overlap; in a quiet store as far as Smaregi looks back."""
        stamp = datetime.fromisoformat(self._stamp)
        from_stamp = stamp - timedelta(seconds=OVERLAP)
        oldest = datetime.fromtimestamp(now - LONGEST_GAP, stamp.tzinfo or UTC)
        return max(from_stamp, oldest).isoformat(timespec="seconds")

    async def _full_scan(self, *, again: bool) -> None:
        """Read every member; a scan that was interrupted goes on where it was."""
        token = lane.set(Lane.BACKLOG)
        try:
            started = time.monotonic()
            began, reached, newest = await self._begin_pass(again=again)
            self.progress = ScanProgress()
            async with aclosing(scan(self._source, reached + 1, self._hasher)) as found:
                async for page in found:
                    newest = max(newest, page.newest, key=instant)
                    await self._write_page(page, newest)
                    self.progress.members += len(page.rows)
                    self.progress.pages += page.pages
                    self.progress.seconds = time.monotonic() - started
            await self._complete_pass(began, newest)
        finally:
            lane.reset(token)
        self.progress.done = True
        self.ready = True
        log.info("member index complete: %d members read", self.progress.members)
        self._on_ready()

    async def _begin_pass(self, *, again: bool) -> tuple[float, int, str]:
        """When the pass began, the id it has reached, and the newest stamp it has seen."""
        now = self._clock()
        self._touched.clear()
        return await self._db.write(
            lambda db: member_pass.begin(db, now, KEYS, LONGEST_GAP, again=again)
        )

    async def _complete_pass(self, began: float, newest: str) -> None:
        """The stamp goes back to where the pass began: what changed behind it is asked for next.

        Smaregi's clock counts: its newest stamp is at most as late as the end of the pass.
        """
        duration = max(0.0, self._clock() - began)
        self._stamp = stamp = max(self._stamp, earlier(newest, duration), key=instant)
        await self._db.write(lambda db: member_pass.complete(db, stamp, KEYS, began))
        self._refreshed_at = self._noted_at = began
        self.outdated = False

    async def _write_page(self, page: Page, newest: str) -> None:
        """A page of a scan: all members of its ids, but for those whom a refresh met meanwhile."""
        reached = max((one[0] for one in page.values), default=page.low - 1)
        async with self._writing:
            touched = self._touched
            values = [one for one in page.values if one[0] not in touched]
            present = {one[0] for one in page.values} | touched
            self._emails.will_be_written(values)

            def unit(db: Any) -> None:
                members.write_page(db, page.low, page.high, values, present)
                members.set_meta(db, "members_reached", str(reached))
                members.set_meta(db, "members_newest", newest)

            await self._db.write(unit)

    async def _write(self, met: Met, stamp: str) -> None:
        """News, to be looked at for duplicates; those of a scan are as a whole.

        `stamp`: what the index is complete up to with this page, '' while more pages are to come.
        """
        rows = await in_slices(self._hasher, met.news)
        self._emails.will_be_written(rows)
        stamp = max(self._stamp, stamp, key=instant)
        if self._scan is not None and not self._scan.done():
            self._touched |= {row[0] for row in rows}

        def unit(db: Any) -> None:
            members.upsert(db, rows)
            duplicate_queue.add(db, (row[0] for row in rows))
            members.set_meta(db, "members_stamp", stamp)

        if rows or stamp != self._stamp:
            await self._db.write(unit)
        self._stamp = stamp
        self._written.note(met)

    async def by_email(self, email: str) -> list[Member]:
        """Raises NotReadyError while the index is being keyed by another secret."""
        hasher = self._hasher
        key = hasher.email(email)
        if key is None:
            return []
        found = await self._emails.members(key)
        if self._hasher is not hasher or not self.ready:
            raise NotReadyError("smaregi", "the store's members are just being read again")
        return found

    async def by_mobile(self, number: str) -> list[Member]:
        """Members with this mobile number, however written; none by one that too many share."""
        key = self.keys_of({"customerId": "0", "mobileNumber": number}).mobile_key
        return await self._db.read(lambda db: members.by_mobile(db, key)) if key else []

    async def forget(self, member_ids: Iterable[int]) -> None:
        """Members that Smaregi no longer has: they are not among those that changed."""
        ids = list(member_ids)
        await self._db.write(lambda db: members.forget(db, ids))

    def keys_of(self, row: Mapping[str, Any]) -> Member:
        """What the index would keep of a row of Smaregi's."""
        return Member(*self._hasher.values(row))

    def signup_evidence(self, profile: Profile) -> dict[str, bytes | None]:
        """What the customer says, as the columns of the index."""
        return self._hasher.signup_evidence(profile)

    def evidence(self, profile: Profile) -> Evidence:
        return self._hasher.evidence(profile)
