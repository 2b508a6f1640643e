"""How many of what there is, kept while rows come and go: asking counts nothing.

The numbers live in temporary tables of the one connection, in memory: they cost no disk, follow
every transaction, its undoing too, and are counted anew when the file is opened.
"""

import sqlite3
from dataclasses import dataclass

from gateway.store.listing import OPEN_SQL

__all__ = ["CALLER_BYTES", "Tally", "answers_of", "keep", "read", "waiting"]

CALLER_BYTES = 8
"""An idempotency key's hash begins with these of its caller's."""


@dataclass(frozen=True, slots=True)
class Tally:
    """`deliveries`: (channel, outcome, number) of the open ones. A time is that of the oldest."""

    deliveries: tuple[tuple[str, str, int], ...]
    intents: int
    intents_since: float | None
    promised: int
    events: int
    events_since: float | None
    duplicates: int


def keep(db: sqlite3.Connection) -> None:
    """Count once, and follow from now on."""
    db.executescript(_SCRIPT)


def read(db: sqlite3.Connection) -> Tally:
    numbers = {
        (row["kind"], row["part"]): row["number"]
        for row in db.execute("SELECT kind, part, number FROM tally WHERE kind <> 'answers'")
    }
    outcomes = [(part, n) for (kind, part), n in numbers.items() if kind == "delivery"]
    return Tally(
        deliveries=tuple((*part.split("/"), n) for part, n in outcomes),
        intents=numbers.get(("intent", ""), 0),
        intents_since=_first(db, "SELECT created_at FROM intents ORDER BY registration_id LIMIT 1"),
        promised=numbers.get(("promise", ""), 0),
        events=numbers.get(("event", ""), 0),
        events_since=_first(db, "SELECT received_at FROM waiting_events ORDER BY event LIMIT 1"),
        duplicates=numbers.get(("duplicate", ""), 0),
    )


def _first(db: sqlite3.Connection, sql: str) -> float | None:
    row = db.execute(sql).fetchone()
    return row[0] if row else None


def waiting(db: sqlite3.Connection) -> int:
    """Registrations that were answered 202 and wait."""
    return _number(db, "promise", "")


def answers_of(db: sqlite3.Connection, key: bytes) -> int:
    """Idempotency keys that are remembered for the caller of this one."""
    return _number(db, "answers", key[:CALLER_BYTES].hex().upper())


def _number(db: sqlite3.Connection, kind: str, part: str) -> int:
    row = db.execute(
        "SELECT number FROM tally WHERE kind = ? AND part = ?", (kind, part)
    ).fetchone()
    return row[0] if row else 0


def _more(kind: str, part: str) -> str:
    return f"""INSERT INTO tally VALUES ('{kind}', {part}, 1)
               ON CONFLICT DO UPDATE SET number = number + 1;"""  # noqa: S608


def _fewer(kind: str, part: str) -> str:
    return f"UPDATE tally SET number = number - 1 WHERE kind = '{kind}' AND part = {part};"  # noqa: S608


def _follow(
    kind: str, table: str, part: str = "''", counts: str = "1", column: str | None = None
) -> str:
    """Triggers that count a table's rows for which `counts` holds, by `part`.

    In both texts ROW stands for the row. `column`: the one whose change may change either.
    """

    def of(text: str, row: str) -> str:
        return text.replace("ROW", row)

    new, old = (_more(kind, of(part, "NEW")), _fewer(kind, of(part, "OLD")))
    script = f"""
        INSERT INTO tally SELECT '{kind}', {of(part, table)}, count(*) FROM main.{table}
            WHERE {of(counts, table)} GROUP BY 2;
        CREATE TEMP TRIGGER tally_{kind}_in AFTER INSERT ON main.{table}
            WHEN {of(counts, "NEW")} BEGIN {new} END;
        CREATE TEMP TRIGGER tally_{kind}_out AFTER DELETE ON main.{table}
            WHEN {of(counts, "OLD")} BEGIN {old} END;"""  # noqa: S608 - words of this file
    if column is None:
        return script
    changed = f"OLD.{column} IS NOT NEW.{column}"
    return (
        script
        + f"""
        CREATE TEMP TRIGGER tally_{kind}_on AFTER UPDATE OF {column} ON main.{table}
            WHEN {changed} AND {of(counts, "NEW")} BEGIN {new} END;
        CREATE TEMP TRIGGER tally_{kind}_off AFTER UPDATE OF {column} ON main.{table}
            WHEN {changed} AND {of(counts, "OLD")} BEGIN {old} END;"""
    )


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
_CALLER = f"hex(substr(ROW.key, 1, {CALLER_BYTES}))"
_IS_WAITING = "ROW.state = 'waiting'"
_SCRIPT = "".join(
    (
        _TALLY,
        _WAITING_EVENTS,
        _follow("delivery", "deliveries", _OUTCOME, f"ROW.outcome IN {OPEN_SQL}", "outcome"),
        _follow("intent", "intents"),
        _follow("promise", "registrations", counts=_IS_WAITING, column="state"),
        _follow("event", "events", counts=_IS_WAITING, column="state"),
        _follow("duplicate", "duplicates", counts="ROW.state = 'open'", column="state"),
        _follow("answers", "answers", _CALLER),
    )
)
