"""The index of Smaregi members, since its API cannot search by e-mail.

Filled by one scan, paged by id (the list moves while it is read), and brought up to date by what
changed since, by Smaregi's own time stamps, right before each decision. One refresh serves all who
asked before it began. The rows hold ids, numbers and keyed hashes; nothing readable.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from gateway.customer import Profile
from gateway.errors import NotReadyError
from gateway.matching.rows import MemberHasher
from gateway.matching.rules import Evidence
from gateway.matching.shared import SharedRun
from gateway.store import Database, Keys, examination, members
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
_FULL_PAGE = 1000


class MemberSource(Protocol):
    """Where members come from: a page, ordered by id, of those at or above `from_id`."""

    async def member_page(
        self, from_id: int, updated_from: str | None
    ) -> list[Mapping[str, Any]]: ...


@dataclass(slots=True)
class ScanProgress:
    """What `members refresh` shows. `done` turns true when the index is complete."""

    members: int = 0
    pages: int = 0
    seconds: float = 0.0
    done: bool = False


class MemberIndex:
    """`on_ready` is called whenever a scan completes."""

    def __init__(
        self,
        db: Database,
        keys: Keys,
        source: MemberSource,
        clock: Callable[[], float] = time.time,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._hasher = MemberHasher(keys)
        self._source = source
        self._clock = clock
        self._on_ready = on_ready
        self._ready = asyncio.Event()
        self._scan: asyncio.Task[None] | None = None
        self._refreshes = {each: SharedRun(self._changes) for each in Lane}
        self._stamp = ""  # the newest time stamp of Smaregi's that we have seen
        self._pass = 1
        self._refreshed_at = 0.0
        self._noted_at = 0.0
        self._touched: dict[int, float] = {}  # id -> stamp, of refreshes while a scan runs
        self._written: dict[Any, int] = {}  # customerId as it came -> fingerprint of its row
        self.progress = ScanProgress()

    async def open(self) -> None:
        """Take up what the database has: a complete index needs no scan at start."""

        def unit(db: Any) -> list[str]:
            names = ("members_stamp", "members_scan", "members_refreshed_at", "members_complete")
            return [members.get_meta(db, name) or "" for name in names]

        self._stamp, scan, refreshed_at, complete = await self._db.read(unit)
        self._pass = int(scan or 1)
        self._refreshed_at = self._noted_at = float(refreshed_at or 0)
        if complete:
            self._ready.set()
            self.progress.done = True

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    async def size(self) -> int:
        return await self._db.read(members.size)

    async def close(self) -> None:
        runs = [task for run in self._refreshes.values() for task in run.tasks()]
        for task in [*runs, *([self._scan] if self._scan else [])]:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    def start_scan(self, *, again: bool = False) -> "asyncio.Task[None]":
        """Begin the scan, or join the one that runs; `again` rebuilds a complete index."""
        if self._scan is None or self._scan.done():
            self._scan = asyncio.create_task(self._full_scan(again=again), name="member scan")
        return self._scan

    async def fresh(self) -> None:
        """Return once the index holds all that Smaregi had when this was called."""
        if not self.ready:
            await self._wait_for_scan()
            return
        if self._gap_too_long():
            self._ready.clear()
            await self._wait_for_scan()
            return
        # Somebody who registers does not queue behind the backlog's refresh.
        await asyncio.shield(self._refreshes[lane.get()].join())

    async def _wait_for_scan(self) -> None:
        task = self.start_scan(again=False)
        await asyncio.wait({task}, timeout=WAIT_FOR_SCAN)
        if not task.done():
            raise NotReadyError("smaregi", "the first scan of the store's members still runs")
        await asyncio.shield(task)

    def _gap_too_long(self) -> bool:
        return abs(self._clock() - self._refreshed_at) > LONGEST_GAP

    async def _changes(self) -> None:
        """What changed since the newest stamp seen, less an overlap."""
        began = self._clock()
        since = self._since(began) if self._stamp else None
        async for page in self._pages(1, since):
            written = self._written.get
            changed = [row for row in page if written(row["customerId"]) != _fingerprint(row)]
            if changed:
                await self._write(changed, self._pass, examine=True)
                if self._scan is not None and not self._scan.done():
                    self._touched |= {int(row["customerId"]): _stamp_of(row) for row in changed}
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

    def _is_touched_since(self, row: Mapping[str, Any]) -> bool:
        return self._touched.get(int(row["customerId"]), 0.0) > _stamp_of(row)

    def _note_written(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """The overlap shows the newest rows again: those written already are known by this.

        Only rows as new as the overlap matter; the others are forgotten now and then.
        """
        if len(self._written) > 4 * _FULL_PAGE:
            self._written.clear()
        oldest = _instant(self._stamp) - 2 * OVERLAP
        for row in rows:
            if _stamp_of(row) >= oldest:
                self._written[row["customerId"]] = _fingerprint(row)

    async def _full_scan(self, *, again: bool) -> None:
        """Read every member; a scan that was interrupted goes on where it was."""
        token = lane.set(Lane.BACKLOG)
        try:
            began, started = self._clock(), time.monotonic()
            scan, resume_from = await self._begin_pass(again=again)
            self.progress = ScanProgress()
            async for page in self._pages(resume_from + 1, None):
                # A refresh may have seen later what this page saw earlier.
                seen = [row for row in page if not self._is_touched_since(row)]
                await self._write(seen, scan)
                self.progress.members += len(page)
                self.progress.pages += 1
                self.progress.seconds = time.monotonic() - started
            await self._complete_pass(scan, began)
        finally:
            lane.reset(token)
        self.progress.done = True
        self._ready.set()
        log.info("member index complete: %d members read", self.progress.members)
        self._on_ready()

    async def _pages(
        self, from_id: int, updated_from: str | None
    ) -> AsyncIterator[list[Mapping[str, Any]]]:
        while True:
            page = await self._source.member_page(from_id, updated_from)
            if page:
                yield page
            if len(page) < _FULL_PAGE:
                return
            from_id = max(int(row["customerId"]) for row in page) + 1

    async def _begin_pass(self, *, again: bool) -> tuple[int, int]:
        running = await self._db.read(lambda db: members.get_meta(db, "members_running"))
        if running and not again:
            scan = int(running)
            return scan, await self._db.read(lambda db: members.highest_id(db, scan))
        scan = max(self._pass, int(running or 0)) + 1
        self._touched.clear()
        await self._db.write(lambda db: members.set_meta(db, "members_running", str(scan)))
        return scan, 0

    async def _complete_pass(self, scan: int, began: float) -> None:
        touched = tuple(self._touched)

        def unit(db: Any) -> None:
            members.forget_unseen(db, scan, touched)
            members.set_meta(db, "members_scan", str(scan))
            members.set_meta(db, "members_running", "")
            members.set_meta(db, "members_complete", "1")
            examination.add_all_linked(db)
            members.set_meta(db, "members_refreshed_at", repr(began))

        await self._db.write(unit)
        self._pass = scan
        self._refreshed_at = self._noted_at = began

    async def _write(
        self, page: Iterable[Mapping[str, Any]], scan: int, *, examine: bool = False
    ) -> None:
        """`examine`: these are news, to be looked at for duplicates; a scan's are as a whole."""
        rows = [self._hasher.member(row) for row in page]
        newest = max((str(row.get("updDateTime") or "") for row in page), default="", key=_instant)
        stamp = newest if _instant(newest) > _instant(self._stamp) else self._stamp

        def unit(db: Any) -> None:
            members.upsert(db, rows, scan)
            if examine:
                examination.add(db, (row.member_id for row in rows))
            members.set_meta(db, "members_stamp", stamp)

        await self._db.write(unit)
        if _instant(stamp) > _instant(self._stamp):
            self._stamp = stamp
        self._note_written(page)

    async def by_email(self, email: str) -> list[Member]:
        key = self._hasher.email(email)
        if key is None:
            return []
        return await self._db.read(lambda db: members.by_email(db, key))

    async def forget(self, member_ids: Iterable[int]) -> None:
        """Members that Smaregi has no more: what changed since does not show them."""
        ids = list(member_ids)
        await self._db.write(lambda db: members.forget(db, ids))

    def keys_of(self, row: Mapping[str, Any]) -> Member:
        """What the index would keep of a row of Smaregi's."""
        return self._hasher.member(row)

    def told(self, profile: Profile) -> dict[str, bytes | None]:
        """What the customer says, as the columns of the index."""
        return asdict(self._hasher.evidence(profile)) | {
            "email_key": self._hasher.email(profile.email)
        }

    def evidence(self, profile: Profile) -> Evidence:
        return self._hasher.evidence(profile)


def _fingerprint(row: Mapping[str, Any]) -> int:
    return hash(tuple(row.values()))


def _stamp_of(row: Mapping[str, Any]) -> float:
    return _instant(str(row.get("updDateTime") or ""))


def _instant(stamp: str) -> float:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0
