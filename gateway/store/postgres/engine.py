"""PostgreSQL as the store's engine: a few lanes, a transaction for each unit."""

import asyncio
import contextvars
import secrets
import sqlite3
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from typing import Any, TypeVar

import psycopg

from gateway.background import Background
from gateway.errors import StorageError
from gateway.store import members, rewinding
from gateway.store.engine import ALONE, Unit, Whom, resolve
from gateway.store.postgres import gateways, ids, origin
from gateway.store.postgres.address import conninfo, place
from gateway.store.postgres.clock import SharedClock, elapsed
from gateway.store.postgres.errors import TakenOverError, translated
from gateway.store.postgres.gateways import Gateway
from gateway.store.postgres.lane import Lane
from gateway.store.postgres.lease import LANES, Lease
from gateway.store.postgres.locks import locks
from gateway.store.postgres.migration import migrate
from gateway.store.postgres.proving import prove
from gateway.store.postgres.schedule import Job, next_of
from gateway.store.postgres.session import Session
from gateway.store.pulse import Pulse

__all__ = ["Postgres"]

T = TypeVar("T")

SILENCE = 6.0
"""Seconds without an answer after which a connection is given up: more than the server's limits."""
PATIENCE = 10.0
"""Seconds that a unit waits for a lane at most; one that did not begin is not in the database."""

_ROOM = "CREATE TABLE proof_of_room AS SELECT generate_series(1, 2000) AS number"
"""Pages of a new file: on a full disk a row that finds room in an old page is still written."""

_NO_TURN = (
    f"no connection to the database was free for {PATIENCE:g} s",
    "see that the database answers; what waited was not written",
)


class Postgres:
    """The database at `url`, in the schema that its user sees first.

    Who has a `lease` writes while it is active. Without one it has lanes of its own, beside those
    of whoever is active: for the tests, and for what is sure to be alone.
    """

    is_shared = True

    def __init__(self, url: str, *, lanes: int = LANES, lease: Lease | None = None) -> None:
        self._conninfo = conninfo(url)
        self._place = place(url)
        self._lease = lease
        self._clock = SharedClock()
        self._gateway = secrets.token_hex(8) if lease is None else lease.me.id
        written = dict.fromkeys(range(lanes), 0)
        self._lanes = [Lane(self._conninfo, self._gateway, n, written) for n in written]
        self._threads = ThreadPoolExecutor(lanes, thread_name_prefix="database")
        self._free = [*self._lanes]
        self._waiting: dict[Job[Any], None] = {}
        self._running: dict[Job[Any], asyncio.Future[Any]] = {}
        self._background = Background()
        self._browsing = asyncio.Lock()
        self._is_open = False
        self._space = ""
        self.is_new = False
        self.pulse = Pulse()

    @property
    def place(self) -> str:
        schema = "" if self._space in {"", "public"} else f", schema {self._space}"
        return f"{self._place}{schema}"

    async def size(self) -> int:
        """Of the schema: other shops may have theirs in the same database."""
        return await self.read(_size)

    async def free(self) -> int | None:
        return None  # a server's own matter: where it has none left, the write says so

    async def open(self) -> None:
        try:
            await asyncio.to_thread(self._prepare)
        except psycopg.Error as error:
            raise translated(error) from None
        self._is_open = True
        self._background.every(1.0, self._watch, "database watchdog")

    def _prepare(self) -> None:
        if self._lease is None:
            prove(self._conninfo)
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            self.is_new = migrate(connection) if self._lease is None else self._lease.is_new
            row: Any = connection.execute("SELECT current_schema()").fetchone()
            self._space = row[0]
        if self._lease is None:
            self._stand_alone(Session(self._conninfo))

    def _stand_alone(self, session: Session) -> None:
        me = Gateway(self._gateway, "", None, "")
        try:
            gateways.register(session, me)
            before = elapsed()
            self._clock.heard(before, elapsed(), gateways.beat(session, me).at)
            gateways.seat(session, me.id, len(self._lanes))
        finally:
            session.close()

    async def close(self) -> None:
        """After what was asked for has run; what cannot end soon is told that it is undecided."""
        until = time.monotonic() + PATIENCE
        while self._running:
            if time.monotonic() > until:
                for lane in self._lanes:
                    lane.stop()
            await asyncio.wait(self._running.values(), timeout=1, return_when="FIRST_COMPLETED")
        await self._background.stop()
        if self._is_open:
            self._is_open = False
            await asyncio.to_thread(self._leave)
        self._threads.shutdown()

    def _leave(self) -> None:
        for lane in self._lanes:
            lane.close()
        if self._lease is None:
            with suppress(psycopg.Error), closing(Session(self._conninfo)) as session:
                gateways.leave(session, self._gateway)

    async def write(self, unit: Unit[T], keys: Whom = ALONE) -> T:
        job: Job[T] = self._job(unit)
        job.keys = None if keys is None else frozenset(keys)
        return await self._asked(job)

    async def read(self, unit: Unit[T]) -> T:
        job: Job[T] = self._job(unit)
        job.reads = True
        return await self._asked(job)

    async def browse(self, unit: Unit[T]) -> T:
        async with self._browsing:
            return await self.read(unit)

    async def prove(self) -> None:
        now, needs_room = repr(self.now()), self.pulse.failure is not None

        def unit(db: sqlite3.Connection) -> None:
            members.set_meta(db, "proved_at", now)
            if needs_room:
                db.execute(_ROOM)
                db.execute("DROP TABLE proof_of_room")

        await self.write(unit, ())

    async def checkpoint(self) -> None:
        """Nothing: what PostgreSQL's files and log keep of a wiped intent is only ciphertext."""

    async def put_back(self) -> str | None:
        return await self.read(origin.put_back)

    async def note_origin(self) -> None:
        await self.write(origin.note, ())

    async def rewind(self, unrecognised: Collection[str], now: float) -> rewinding.Rewound:
        def unit(db: sqlite3.Connection) -> rewinding.Rewound:
            ids.skip(db, rewinding.IDS)
            origin.forget(db)
            return rewinding.rewind(db, unrecognised, now)

        return await self.write(unit)

    def now(self) -> float:
        return self._clock.now() if self._lease is None else self._lease.now()

    def _job(self, unit: Unit[T]) -> Job[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        return Job(unit, contextvars.copy_context(), future)

    async def _asked(self, job: Job[T]) -> T:
        if not self._is_open:
            raise StorageError("the database is closed", "start the gateway again")
        self._waiting[job] = None
        self.pulse.asked()
        self._go_on()
        if job in self._waiting:
            asyncio.get_running_loop().call_later(PATIENCE, self._give_up, job)
        return await job.future

    def _give_up(self, job: Job[Any]) -> None:
        if job in self._waiting:
            del self._waiting[job]
            self.pulse.given_up()
            resolve(job.future, StorageError(*_NO_TURN))
            self._go_on()

    def _go_on(self) -> None:
        while self._free and (job := next_of(self._waiting, self._running)) is not None:
            del self._waiting[job]
            lane = self._free.pop()
            call = self._call(job, lane)
            done = asyncio.get_running_loop().run_in_executor(self._threads, job.context.run, call)
            self._running[job] = done
            done.add_done_callback(partial(self._done, job, lane))

    def _call(self, job: Job[Any], lane: Lane) -> Callable[[], Any]:
        if job.reads:
            return partial(lane.read, job.unit)
        return partial(lane.write, job.unit, locks(self._space, job.keys))

    def _done(self, job: Job[Any], lane: Lane, done: "asyncio.Future[Any]") -> None:
        del self._running[job]
        self._free.append(lane)
        error = done.exception()
        if isinstance(error, TakenOverError) and self._lease is not None:
            self._lease.lose(error)
        self.pulse.ended(error, wrote=not job.reads)
        resolve(job.future, error or done.result())
        self._go_on()

    async def _watch(self) -> None:
        for lane in self._lanes:
            lane.shut_if_silent(SILENCE)


def _size(db: sqlite3.Connection) -> int:
    number: int = db.execute(
        """SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS BIGINT) FROM pg_class
           WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"""
    ).fetchone()[0]
    return number
