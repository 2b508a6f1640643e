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
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from gateway.customer import Profile
from gateway.errors import NotReadyError
from gateway.matching.rules import Evidence
from gateway.normalize import email_key, is_placeholder, kana_key, name_key, parse_birth_date
from gateway.store import Database, Keys, members
from gateway.store.members import Member
from gateway.wire import Lane, lane

__all__ = ["MemberIndex", "MemberSource", "ScanProgress"]

log = logging.getLogger(__name__)

WAIT_FOR_SCAN = 2.0
"""Seconds that a registration waits for the first scan."""
OVERLAP = 5.0
"""Seconds that a refresh looks back behind the newest stamp: stamps have whole seconds, and a
change may become visible a little after a later one."""
LONGEST_GAP = 30 * 86400.0
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
        self._keys = keys
        self._source = source
        self._clock = clock
        self._on_ready = on_ready
        self._ready = asyncio.Event()
        self._scan: asyncio.Task[None] | None = None
        self._refresh: asyncio.Task[None] | None = None
        self._next_refresh: asyncio.Task[None] | None = None
        self._stamp = ""  # the newest time stamp of Smaregi's that we have seen
        self._pass = 1
        self._refreshed_at = 0.0
        self._noted_at = 0.0
        self._settled: dict[int, str] = {}  # members that cannot change under the same stamp
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
        for task in (self._scan, self._refresh, self._next_refresh):
            if task is not None:
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
        await asyncio.shield(self._join_refresh())

    async def _wait_for_scan(self) -> None:
        task = self.start_scan(again=False)
        await asyncio.wait({task}, timeout=WAIT_FOR_SCAN)
        if not task.done():
            raise NotReadyError("smaregi", "the first scan of the store's members still runs")
        await asyncio.shield(task)

    def _join_refresh(self) -> "asyncio.Task[None]":
        """The refresh that has not yet begun: one under way may have passed what we need."""
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.create_task(self._changes(), name="member refresh")
            return self._refresh
        if self._next_refresh is None or self._next_refresh.done():
            self._next_refresh = asyncio.create_task(
                self._after(self._refresh), name="member refresh"
            )
        return self._next_refresh

    async def _after(self, running: "asyncio.Task[None]") -> None:
        with suppress(Exception):
            await asyncio.shield(running)
        self._refresh, self._next_refresh = self._next_refresh, None
        await self._changes()

    def _gap_too_long(self) -> bool:
        return abs(self._clock() - self._refreshed_at) > LONGEST_GAP

    async def _changes(self) -> None:
        """What changed since the newest stamp seen, less an overlap."""
        lane.set(Lane.LIVE)  # a task of its own; somebody who registers may wait for it
        began = self._clock()
        since = _minus(self._stamp, OVERLAP) if self._stamp else None
        async for page in self._pages(1, since):
            changed = [row for row in page if not self._is_settled(row)]
            if changed:
                await self._write(changed, self._pass)
        self._refreshed_at = began
        if began - self._noted_at > 3600:
            self._noted_at = began
            await self._db.write(
                lambda db: members.set_meta(db, "members_refreshed_at", repr(began))
            )

    def _is_settled(self, row: Mapping[str, Any]) -> bool:
        """Whether exactly this state was written already, when its second had passed at Smaregi."""
        return self._settled.get(int(row["customerId"])) == str(row.get("updDateTime") or "")

    def _settle(self, rows: Iterable[Mapping[str, Any]]) -> None:
        newest = _instant(self._stamp)
        self._settled = {
            member_id: stamp
            for member_id, stamp in self._settled.items()
            if _instant(stamp) >= newest - 2 * OVERLAP
        }
        for row in rows:
            stamp = str(row.get("updDateTime") or "")
            if newest - 2 * OVERLAP <= _instant(stamp) <= newest - 2:
                self._settled[int(row["customerId"])] = stamp

    async def _full_scan(self, *, again: bool) -> None:
        """Read every member; a scan that was interrupted goes on where it was."""
        token = lane.set(Lane.BACKLOG)
        try:
            began, started = self._clock(), time.monotonic()
            scan, resume_from = await self._begin_pass(again=again)
            self.progress = ScanProgress()
            async for page in self._pages(resume_from + 1, None):
                await self._write(page, scan)
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
        scan = self._pass + 1
        await self._db.write(lambda db: members.set_meta(db, "members_running", str(scan)))
        return scan, 0

    async def _complete_pass(self, scan: int, began: float) -> None:
        def unit(db: Any) -> None:
            members.forget_unseen(db, scan)
            members.set_meta(db, "members_scan", str(scan))
            members.set_meta(db, "members_running", "")
            members.set_meta(db, "members_complete", "1")
            members.set_meta(db, "members_refreshed_at", repr(began))

        await self._db.write(unit)
        self._pass = scan
        self._refreshed_at = self._noted_at = began

    async def _write(self, page: Iterable[Mapping[str, Any]], scan: int) -> None:
        rows = [self._member(row) for row in page]
        newest = max((str(row.get("updDateTime") or "") for row in page), default="", key=_instant)
        stamp = newest if _instant(newest) > _instant(self._stamp) else self._stamp

        def unit(db: Any) -> None:
            members.upsert(db, rows, scan)
            members.set_meta(db, "members_stamp", stamp)

        await self._db.write(unit)
        self._stamp = stamp
        self._settle(page)

    async def by_email(self, email: str) -> list[Member]:
        key = self._key(b"email", email_key(email))
        if key is None:
            return []
        return await self._db.read(lambda db: members.by_email(db, key))

    def evidence(self, profile: Profile) -> Evidence:
        return Evidence(
            kana_key=self._key(b"kana", _kana(profile.last_kana, profile.first_kana)),
            name_key=self._key(b"name", _name(profile.last_name, profile.first_name)),
            birth_key=self._key(b"birth", _birth(profile.birth_date)),
        )

    def _key(self, purpose: bytes, text: str) -> bytes | None:
        return self._keys.hash(purpose, text) if text else None

    def _member(self, row: Mapping[str, Any]) -> Member:
        def text(name: str) -> str:
            value = row.get(name)
            return "" if value is None else str(value)

        return Member(
            member_id=int(row["customerId"]),
            code=text("customerCode"),
            number=text("customerNo"),
            email_key=self._key(b"email", email_key(text("mailAddress"))),
            status=int(text("status") or 0),
            kana_key=self._key(b"kana", _kana(text("lastKana"), text("firstKana"))),
            name_key=self._key(b"name", _name(text("lastName"), text("firstName"))),
            birth_key=self._key(b"birth", _birth(text("birthDate"))),
            last_come=text("lastComeDateTime"),
            points=int(float(text("point") or 0)),
        )


def _kana(last: str, first: str) -> str:
    parts = [part for part in (last, first) if part and not is_placeholder(part)]
    return kana_key("".join(parts)) if len(parts) == 2 else ""


def _name(last: str, first: str) -> str:
    parts = [part for part in (last, first) if part and not is_placeholder(part)]
    return name_key("".join(parts)) if len(parts) == 2 else ""


def _birth(text: str) -> str:
    day = parse_birth_date(text) if text else None
    return day.isoformat() if day else ""


def _instant(stamp: str) -> float:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0


def _minus(stamp: str, seconds: float) -> str:
    return (datetime.fromisoformat(stamp) - timedelta(seconds=seconds)).isoformat()
