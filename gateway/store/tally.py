"""Running totals, updated while rows come and go, so that reading them counts nothing.

Only running registrations are counted when somebody asks, in an index of their own: a running total
of them would cost every sign-up.

The totals are in temporary tables of the one connection, in memory: they cost no disk, follow every
transaction, even if it is undone, and are counted anew when the file is opened.
"""

import sqlite3
from collections.abc import Iterator, Mapping

from gateway import frozen
from gateway.outcomes import Outcome

__all__ = ["CALLER_BYTES", "Tally", "keep", "keys_of", "read", "waiting"]

CALLER_BYTES = 8
"""An idempotency key's hash begins with these of its caller's."""


@frozen
class Tally:
    """`deliveries`: (channel, outcome, number) of the open ones. A time is that of the oldest."""

    deliveries: tuple[tuple[str, str, int], ...]
    intents: int
    intents_since: float | None
    deferred: int
    events: int
    events_since: float | None
    duplicates: int


def keep(db: sqlite3.Connection) -> None:
    """Count once, and follow from now on."""
    db.executescript(_SCRIPT)


def read(db: sqlite3.Connection) -> Tally:
    numbers = {
        (row["kind"], row["part"]): row["number"]
        for row in db.execute(
            """SELECT kind, part, number FROM tally WHERE kind <> 'idempotency_keys'
               ORDER BY kind, part"""
        )
    }
    deferred = numbers.get(("deferred", ""), 0)
    return Tally(
        deliveries=tuple(_deliveries(numbers)),
        intents=deferred + _unsettled(db),
        intents_since=_first(db, "SELECT created_at FROM intents ORDER BY registration_id LIMIT 1"),
        deferred=deferred,
        events=numbers.get(("event", ""), 0),
        events_since=_first(db, "SELECT received_at FROM waiting_events ORDER BY event LIMIT 1"),
        duplicates=numbers.get(("duplicate", ""), 0),
    )


def _deliveries(numbers: Mapping[tuple[str, str], int]) -> Iterator[tuple[str, str, int]]:
    for (kind, part), number in numbers.items():
        if kind == "delivery":
            channel, _, outcome = part.partition("/")
            yield channel, outcome, number


def _unsettled(db: sqlite3.Connection) -> int:
    """Registrations with an intent that were not answered 202."""
    number: int = db.execute(
        "SELECT count(*) FROM registrations WHERE state IN ('open', 'unclear')"
    ).fetchone()[0]
    return number


def _first(db: sqlite3.Connection, sql: str) -> float | None:
    row = db.execute(sql).fetchone()
    return row[0] if row else None


def waiting(db: sqlite3.Connection) -> int:
    """Registrations that were answered 202 and wait."""
    return _number(db, "deferred", "")


def keys_of(db: sqlite3.Connection, key: bytes) -> int:
    """Idempotency keys that are remembered for the caller of this one."""
    return _number(db, "idempotency_keys", key[:CALLER_BYTES].hex().upper())


def _number(db: sqlite3.Connection, kind: str, part: str) -> int:
    row = db.execute(
        "SELECT number FROM tally WHERE kind = ? AND part = ?", (kind, part)
    ).fetchone()
    return row[0] if row else 0


def _more(kind: str, part: str, when: str) -> str:
    return f"""INSERT INTO tally SELECT '{kind}', {part}, 1 WHERE {when}
               ON CONFLICT DO UPDATE SET number = number + 1;"""


def _fewer(kind: str, part: str, when: str) -> str:
    return f"""UPDATE tally SET number = number - 1
               WHERE kind = '{kind}' AND part = {part} AND {when};"""  # noqa: S608


def _follow(
    kind: str, table: str, part: str = "''", counts: str = "1", column: str | None = None
) -> str:
    """Triggers that count a table's rows for which `counts` holds, by `part`.

    In both texts ROW stands for the row. `column`: the one whose change may change either. One
    trigger serves both directions, since each is paid for by every row that is updated.
    """
    part_of = {row: part.replace("ROW", row) for row in ("OLD", "NEW", table)}
    holds = {row: counts.replace("ROW", row) for row in ("OLD", "NEW", table)}
    more = _more(kind, part_of["NEW"], holds["NEW"])
    fewer = _fewer(kind, part_of["OLD"], holds["OLD"])
    script = f"""
        INSERT INTO tally SELECT '{kind}', {part_of[table]}, count(*) FROM main.{table}
            WHERE {holds[table]} GROUP BY 2;
        CREATE TEMP TRIGGER tally_{kind}_in AFTER INSERT ON main.{table}
            WHEN {holds["NEW"]} BEGIN {more} END;
        CREATE TEMP TRIGGER tally_{kind}_out AFTER DELETE ON main.{table}
            WHEN {holds["OLD"]} BEGIN {fewer} END;"""  # noqa: S608 - words of this file
    if column is None:
        return script
    changed = f"OLD.{column} <> NEW.{column} AND ({holds['OLD']} OR {holds['NEW']})"
    return f"""{script}
        CREATE TEMP TRIGGER tally_{kind}_on AFTER UPDATE OF {column} ON main.{table}
            WHEN {changed} BEGIN {fewer} {more} END;"""


_WAITING_EVENTS = """
    CREATE TEMP TABLE waiting_events (event INTEGER PRIMARY KEY, received_at REAL NOT NULL);
    INSERT INTO waiting_events SELECT rowid, received_at FROM main.events WHERE state = 'waiting';
    CREATE TEMP TRIGGER waiting_events_in AFTER INSERT ON main.events
        WHEN NEW.state = 'waiting'
        BEGIN INSERT INTO waiting_events VALUES (NEW.rowid, NEW.received_at); END;
    CREATE TEMP TRIGGER waiting_events_again AFTER UPDATE OF state ON main.events
        WHEN NEW.state = 'waiting'
        BEGIN INSERT OR REPLACE INTO waiting_events VALUES (NEW.rowid, NEW.received_at); END;
    CREATE TEMP TRIGGER waiting_events_done AFTER UPDATE OF state ON main.events
        WHEN NEW.state <> 'waiting'
        BEGIN DELETE FROM waiting_events WHERE event = OLD.rowid; END;
    CREATE TEMP TRIGGER waiting_events_out AFTER DELETE ON main.events
        BEGIN DELETE FROM waiting_events WHERE event = OLD.rowid; END;"""
_TALLY = """
    CREATE TEMP TABLE tally (kind TEXT, part TEXT, number INTEGER NOT NULL,
                             PRIMARY KEY (kind, part)) WITHOUT ROWID;"""
_OUTCOME = "ROW.channel || '/' || ROW.outcome"
_OPEN = [f"ROW.outcome = '{each}'" for each in Outcome if each.is_open]
_IS_OPEN = f"({' OR '.join(_OPEN)})"
"""Not `IN`, for which a trigger makes a table of the words, anew for each row."""
_CALLER = f"hex(substr(ROW.key, 1, {CALLER_BYTES}))"
_IS_WAITING = "ROW.state = 'waiting'"
_SCRIPT = "".join(
    (
        _TALLY,
        _WAITING_EVENTS,
        _follow("delivery", "deliveries", _OUTCOME, _IS_OPEN, "outcome"),
        _follow("deferred", "registrations", counts=_IS_WAITING, column="state"),
        _follow("event", "events", counts=_IS_WAITING, column="state"),
        _follow("duplicate", "duplicates", counts="ROW.state = 'open'", column="state"),
        _follow("idempotency_keys", "idempotency_keys", _CALLER, column="key"),
    )
)
