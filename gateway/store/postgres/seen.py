"""What may be seen of a PostgreSQL by who has no lease on it: only read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import cast

import psycopg

from gateway.errors import ConfigurationError
from gateway.store import identities, inventory, removals
from gateway.store.guard import Guard
from gateway.store.postgres import gateways
from gateway.store.postgres.address import conninfo, place
from gateway.store.postgres.errors import translated
from gateway.store.postgres.migration import refuse_newer
from gateway.store.postgres.proving import prove
from gateway.store.postgres.session import Session
from gateway.store.seen import Seen

__all__ = ["SeenServer"]

_BEGIN = """BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
            SET LOCAL statement_timeout = 5000; SET LOCAL lock_timeout = 3000"""


class SeenServer:
    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def place(self) -> str:
        return place(self._url)

    def guard(self) -> Guard:
        with suppress(psycopg.Error, ConfigurationError), self._session() as session:
            db = cast("sqlite3.Connection", session)
            return Guard(identities.all_of(db), removals.held(db))
        return Guard()

    def look(self) -> Seen:
        try:
            prove(conninfo(self._url))
            with self._session() as session:
                if not _is_made(session):
                    return Seen(inventory.NOTHING, is_made=False)
                refuse_newer(session.connection)
                contents = inventory.count(cast("sqlite3.Connection", session))
                return Seen(contents, is_made=True, user=gateways.active_host(session))
        except psycopg.Error as error:
            raise translated(error) from None

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with closing(Session(conninfo(self._url))) as session:
            session.run(_BEGIN)
            yield session


def _is_made(session: Session) -> bool:
    return session.execute("SELECT to_regclass('leases')").fetchone() != (None,)
