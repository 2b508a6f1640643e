"""Members are written by few statements, however many change at a time."""

import sqlite3

from gateway.store import members
from tests.store.memory import a_connection
from tests.store.postgres.people import member


def test_any_number_of_members_is_written_by_the_same_twelve_statements() -> None:
    """SQLite keeps each statement: one for every number of rows would take it megabytes."""
    db, said, written = a_connection(), set[str](), 0
    db.set_trace_callback(said.add)
    for number in range(131):
        members.upsert(db, [member(written + place) for place in range(number)])
        written += number
    db.set_trace_callback(None)
    inserts = {text.count("(") for text in said if text.startswith("INSERT INTO members ")}
    assert len(inserts) == 12
    assert _ids(db) == list(range(written))


def _ids(db: sqlite3.Connection) -> list[int]:
    return [row[0] for row in db.execute("SELECT member_id FROM members ORDER BY member_id")]
