"""Which gateways stand on this database, and which of them is active: rows, and their statements.

Each of these may be done twice, and none is believed by its own answer: whether a gateway has the
lease, its next beat reads from the row. So an answer that is lost costs nothing, that to the COMMIT
of a take-over least of all.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from gateway import frozen
from gateway.store.postgres.migration import newest
from gateway.store.postgres.session import Session

__all__ = [
    "Beat",
    "Gateway",
    "active",
    "active_host",
    "ask_for",
    "beat",
    "held_by",
    "leave",
    "register",
    "seat",
    "take",
]

_NOW = "extract(epoch FROM clock_timestamp())::float8"
_LIMITS = (
    "SET LOCAL statement_timeout = 3000; SET LOCAL lock_timeout = 2000;"
    " SET LOCAL idle_in_transaction_session_timeout = 5000;"
)
_LEASE = "SELECT gateway, secret FROM leases WHERE name = 'active' FOR UPDATE"
_DEAD = 30.0
"""Seconds without a beat after which one is surely gone, to whoever looks but once."""
_COLUMNS = ("id", "host", "address", "version", "config", "leaving", "seen_at")
_LIVES = 30
"""Seconds since the last beat of one that is worth a word."""
_FORGOTTEN = 86400
"""Seconds after which the row of one goes that never held the lease, and died."""


@frozen
class Gateway:
    """A row of `gateways`. `address`: `http://host:port` where commands reach it; None of a command
    that holds the lease for its run. `config`: a keyed hash of what must be set alike.
    """

    id: str
    host: str
    address: str | None
    version: str
    config: str = ""
    leaving: int = 0
    seen_at: float = 0.0


@frozen
class Beat:
    """What the database says to a gateway that says that it lives.

    `known`: whether that has a row. `at`: the database's time. `holder`: who is active. `token`:
    how many were so far. `wanted`: whether a gateway asks that one to make way. `secret`: the hash
    of that by which the last one keyed. `unlike`: hosts of gateways that live, and are set
    otherwise than this one.
    """

    known: bool
    at: float
    holder: Gateway | None
    token: int
    wanted: bool
    secret: str | None
    unlike: tuple[str, ...] = ()


def register(session: Session, me: Gateway) -> None:
    session.execute(
        f"""INSERT INTO gateways (id, host, address, version, config, knows, started_at, seen_at)
            VALUES (?, ?, ?, ?, ?, ?, {_NOW}, {_NOW}) ON CONFLICT (id) DO NOTHING""",  # noqa: S608
        (me.id, me.host, me.address, me.version, me.config, newest()),
    )


def seat(session: Session, me: str, lanes: int) -> None:
    """Lanes that have written nothing."""
    session.execute(
        """INSERT INTO lanes (gateway, lane, seq) SELECT ?, generate_series(0, ?), 0
           ON CONFLICT DO NOTHING""",
        (me, lanes - 1),
    )


def beat(session: Session, me: Gateway) -> Beat:
    """Say that it lives; and hear who is active."""
    alive = f"""UPDATE gateways SET seen_at = {_NOW}, config = '{me.config}',
                       leaving = {me.leaving} WHERE id = '{me.id}' RETURNING id"""  # noqa: S608
    row: Any = session.run(
        f"""{_LIMITS} WITH alive AS ({alive})
            SELECT EXISTS (SELECT FROM alive) AS known, {_NOW} AS at, token, wanted, secret,
                   ARRAY(SELECT DISTINCT host FROM gateways
                         WHERE config <> '{me.config}' AND id <> '{me.id}' AND address IS NOT NULL
                               AND seen_at > {_NOW} - {_LIVES} ORDER BY host) AS unlike,
                   g.id, g.host, g.address, g.version, g.config, g.leaving, g.seen_at
            FROM leases AS l LEFT JOIN gateways AS g ON g.id = l.gateway
            WHERE l.name = 'active'"""  # noqa: S608
    ).fetchone()
    holder = None
    if row["id"] is not None:
        holder = _gateway(row)
    wanted = row["wanted"] is not None
    return Beat(
        row["known"], row["at"], holder, row["token"], wanted, row["secret"], (*row["unlike"],)
    )


def _gateway(row: Any) -> Gateway:
    return Gateway(*(row[name] for name in _COLUMNS))


def active(session: Session) -> tuple[Gateway, str] | None:
    """And the hash of the secret by which it keys. None, too, where no gateway has ever been."""
    try:
        row: Any = session.execute(
            """SELECT g.id, g.host, g.address, g.version, g.config, g.leaving, g.seen_at, l.secret
               FROM leases AS l JOIN gateways AS g ON g.id = l.gateway WHERE l.name = 'active'"""
        ).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return None if row is None else (_gateway(row), str(row["secret"]))


def take(
    session: Session, me: str, lanes: int, secrets: Collection[str], dead: Gateway | None
) -> None:
    """The lease, if it is free, or if it is that of `dead`, who has not been seen since; and whose
    last one keyed by a secret that is known here. `secrets`: hashes, of the newest first.

    A transaction of the dead one that is under way holds its lane, so this waits for its end.
    """
    with _transaction(session):
        lease: Any = session.execute(_LEASE).fetchone()
        if lease["secret"] is not None and lease["secret"] not in secrets:
            return
        if lease["gateway"] is not None and not _is_gone(session, lease["gateway"], dead):
            return
        session.execute(
            f"DELETE FROM gateways WHERE seen_at < {_NOW} - ? AND id <> ?",  # noqa: S608
            (float(_FORGOTTEN), me),
        )
        seat(session, me, lanes)
        session.execute(
            """UPDATE leases SET gateway = ?, token = token + 1, wanted = NULL, secret = ?
               WHERE name = 'active'""",
            (me, next(iter(secrets))),
        )


def _is_gone(session: Session, holder: str, dead: Gateway | None) -> bool:
    if dead is None or holder != dead.id:
        return False
    as_seen = (dead.id, dead.seen_at)
    return bool(
        session.execute("DELETE FROM gateways WHERE id = ? AND seen_at = ?", as_seen).rowcount
    )


def ask_for(session: Session, me: str, holder: str) -> None:
    """That this one make way."""
    session.execute(
        "UPDATE leases SET wanted = ? WHERE name = 'active' AND gateway = ?", (me, holder)
    )


def held_by(session: Session) -> str | None:
    """The host of the active one, if it lives; nobody else becomes active before this transaction
    has ended.
    """
    session.execute(_LEASE)
    return active_host(session)


def active_host(session: Session) -> str | None:
    """Where the active one runs, if it lives."""
    row = session.execute(
        f"""SELECT host FROM gateways JOIN leases ON leases.gateway = gateways.id
            WHERE seen_at > {_NOW} - ?""",  # noqa: S608
        (_DEAD,),
    ).fetchone()
    return None if row is None else row["host"]


def leave(session: Session, me: str) -> None:
    """With its lanes, and the lease where it had it: in the order in which `take` locks them."""
    with _transaction(session):
        session.execute(_LEASE)
        session.execute("DELETE FROM gateways WHERE id = ?", (me,))


@contextmanager
def _transaction(session: Session) -> Iterator[None]:
    session.run(f"BEGIN ISOLATION LEVEL READ COMMITTED; {_LIMITS}")
    try:
        yield
        session.run("COMMIT")
    except BaseException:
        with suppress(psycopg.Error):
            session.run("ROLLBACK")
        raise
