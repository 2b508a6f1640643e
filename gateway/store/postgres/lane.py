"""One connection's transactions, one after the other, in whichever thread: what is written exactly
once, and what is known of it when the connection breaks.

What is in the database when the connection is lost, and what becomes of the unit:

    before COMMIT was sent      nothing: the unit is run again by a new connection, once the server
                                has noticed too, which its own time-outs see to
    after, without an answer    all or nothing: `seq` of the lane tells which; the transaction that
                                may still be under way holds its row, so this waits for its end

A new connection may be to another server, and that one behind the one before: it is used only once
every lane's `seq` is found to be no less than what was committed.
"""

import random
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

import psycopg

from gateway.errors import StorageError
from gateway.store.engine import Unit
from gateway.store.postgres import origin
from gateway.store.postgres.errors import (
    TakenOverError,
    UndecidedError,
    WentBackError,
    is_locked,
    is_lost,
    is_passing,
    of_unit,
    translated,
)
from gateway.store.postgres.session import Session
from gateway.store.rewinding import LOST

__all__ = ["Lane"]

T = TypeVar("T")

_TRIES = 5
_LIMITS = (
    "SET LOCAL statement_timeout = 5000; SET LOCAL lock_timeout = 3000;"
    " SET LOCAL idle_in_transaction_session_timeout = 5000;"
)
_READ = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_LIMITS}"


class _NotCommittedError(Exception):
    """The connection broke at the COMMIT, and the transaction is undone."""


class Lane:
    """`gateway` and `number` name its row in `lanes`; `written`: how many transactions each lane
    of this gateway has committed for certain.
    """

    def __init__(self, conninfo: str, gateway: str, number: int, written: dict[int, int]) -> None:
        self._conninfo = conninfo
        self._gateway = gateway
        self._row = f"gateway = '{gateway}' AND lane = {number}"
        self._number = number
        self._written = written
        self._session: Session | None = None
        self._stopping = threading.Event()

    def write(self, unit: Unit[T], locks: str) -> T:
        return self._again(lambda: self._write(unit, locks))

    def read(self, unit: Unit[T]) -> T:
        return self._again(lambda: self._read(unit))

    def shut_if_silent(self, longest: float) -> bool:
        session = self._session
        return session is not None and session.shut_if_silent(longest)

    def stop(self) -> None:
        """From another thread: nothing more is waited for."""
        self._stopping.set()

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(psycopg.Error):
                session.close()

    def _again(self, once: Callable[[], T]) -> T:
        """StorageError where it cannot be done; a unit's own error is passed on."""
        lost = False
        for tries in range(1, _TRIES + 1):
            try:
                return once()
            except _NotCommittedError:
                lost = True
            except psycopg.Error as error:
                broken = self._drop_if_lost()
                if tries == _TRIES or not (
                    is_passing(error) or (broken and not lost) or (lost and is_locked(error))
                ):
                    raise of_unit(error) from None
                lost = lost or broken
            self._stopping.wait(random.random() * 0.01 * tries)  # noqa: S311 - no secret
        raise AssertionError

    def _write(self, unit: Unit[T], locks: str) -> T:
        session, seq = self._connected(), self._written[self._number]
        own = session.run(
            f"""BEGIN; {_LIMITS}
                UPDATE lanes SET seq = {seq + 1} WHERE {self._row} AND seq = {seq}
                RETURNING set_config('gateway.lane', '{self._number}', true), {locks}"""  # noqa: S608
        ).rowcount
        if not own:
            session.run("ROLLBACK")
            self._refuse_older(session)
            raise TakenOverError
        result = self._run(session, unit)
        self._commit(session)
        self._written[self._number] += 1
        return result

    def _read(self, unit: Unit[T]) -> T:
        session = self._connected()
        session.run(_READ)
        result = self._run(session, unit)
        session.run("COMMIT")
        return result

    def _run(self, session: Session, unit: Unit[T]) -> T:
        try:
            return unit(cast("sqlite3.Connection", session))
        except BaseException:
            with suppress(psycopg.Error):
                session.run("ROLLBACK")
            raise

    def _commit(self, session: Session) -> None:
        try:
            told = session.run("COMMIT").statusmessage
        except psycopg.Error:
            if not is_lost(session.connection):
                raise
            if not self._was_committed():
                raise _NotCommittedError from None
        else:
            if told != "COMMIT":
                raise StorageError(f"PostgreSQL: {told} at a COMMIT", "tell whoever maintains this")

    def _was_committed(self) -> bool:
        """The answer was lost: found out, however long the database is away."""
        look = f"BEGIN; {_LIMITS} UPDATE lanes SET seq = seq WHERE {self._row} RETURNING seq"  # noqa: S608
        while not self._stopping.is_set():
            self._drop_if_lost()
            try:
                session = self._connected()
                row: Any = session.run(look).fetchone()
                session.run("COMMIT")
            except TakenOverError:
                raise
            except (psycopg.Error, StorageError):
                self.close()
                self._stopping.wait(0.2)
                continue
            if row is None:
                raise TakenOverError
            return bool(row[0] == self._written[self._number] + 1)
        raise UndecidedError

    def _connected(self) -> Session:
        if self._session is None:
            try:
                self._session = Session(self._conninfo)
                self._refuse_older(self._session)
            except psycopg.Error as error:
                self.close()
                raise translated(error) from None
        return self._session

    def _refuse_older(self, session: Session) -> None:
        """WentBackError if any lane has committed more than the database knows: it is another
        server now, which was behind. That stays written down for whoever starts next.
        """
        written = dict(self._written)
        look = "SELECT lane, seq FROM lanes WHERE gateway = ?"
        if any(seq < written[lane] for lane, seq in session.execute(look, (self._gateway,))):
            origin.note(cast("sqlite3.Connection", session), LOST)
            self.close()
            raise WentBackError

    def _drop_if_lost(self) -> bool:
        if self._session is not None and not is_lost(self._session.connection):
            return False
        self.close()
        return True
