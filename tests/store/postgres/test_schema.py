"""PostgreSQL's schema is SQLite's: the same tables, columns and indexes; and how it is made."""

import asyncio
from typing import Any

import psycopg
import pytest

from gateway.errors import StorageError
from gateway.store import Database
from gateway.store.postgres import Postgres, migration

_TYPES = {"INTEGER": "bigint", "REAL": "double precision", "TEXT": "text", "BLOB": "bytea"}
_OWN = {"schema_version", "gateways", "lanes", "leases", "tally_parts"}
"""Tables that SQLite needs not, or keeps in memory."""
Shape = dict[str, Any]


def of_sqlite(db: Any) -> Shape:
    """Table -> column -> type and whether it may be NULL; index -> table, columns, unique, part."""
    tables, indexes = {}, {}
    names = db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    ).fetchall()
    for (table,) in names:
        columns = db.execute(f"PRAGMA table_info({table})").fetchall()
        tables[table] = {
            row["name"]: (_TYPES[row["type"]], bool(row["notnull"] or row["pk"])) for row in columns
        }
        for index in db.execute(f"PRAGMA index_list({table})").fetchall():
            if index["origin"] != "pk":
                found = db.execute(f"PRAGMA index_info({index['name']})").fetchall()
                of, traits = [row["name"] for row in found], (index["unique"], index["partial"])
                name = index["name"] if index["origin"] == "c" else f"{table}_{'_'.join(of)}_key"
                indexes[name] = (table, of, *map(bool, traits))
    return {"tables": tables, "indexes": indexes}


def of_postgres(db: Any) -> Shape:
    tables: dict[str, dict[str, tuple[str, bool]]] = {}
    for row in db.execute(
        """SELECT c.table_name, column_name, data_type, is_nullable, collation_name
           FROM information_schema.columns AS c JOIN information_schema.tables AS t
                ON t.table_name = c.table_name AND t.table_schema = c.table_schema
           WHERE c.table_schema = current_schema() AND table_type = 'BASE TABLE'"""
    ):
        assert row["data_type"] != "text" or row["collation_name"] == "C", tuple(row)
        columns = tables.setdefault(row["table_name"], {})
        columns[row["column_name"]] = (row["data_type"], row["is_nullable"] == "NO")
    indexes = {
        row["name"]: (row["of"], row["columns"], row["is_unique"], row["part"])
        for row in db.execute(
            """SELECT i.indexrelid::regclass::text AS name, i.indrelid::regclass::text AS of,
                      i.indisunique AS is_unique, i.indpred IS NOT NULL AS part,
                      ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k (n, o)
                            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.n
                            ORDER BY k.o) AS columns
               FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
               WHERE c.relnamespace = current_schema()::regnamespace AND NOT i.indisprimary"""
        )
    }
    return {"tables": tables, "indexes": indexes}


async def test_the_schema_is_sqlites(db: Database, postgres: Postgres) -> None:
    theirs, ours = await db.read(of_sqlite), await postgres.read(of_postgres)
    assert ours["tables"].keys() - _OWN == theirs["tables"].keys()
    assert ours["tables"]["events"].pop("rowid") == ("bigint", True)
    assert ours["indexes"].pop("events_waiting")[2]
    for table, columns in theirs["tables"].items():
        assert ours["tables"][table] == columns, table
    assert ours["indexes"] == theirs["indexes"]


def test_each_step_says_who_may_go_on_beside_it() -> None:
    assert [*sorted(migration.steps())] == [*range(1, migration.newest() + 1)]
    assert all(migration.oldest_reader(step) >= 1 for step in migration.steps().values())


async def test_gateways_that_start_together_make_one_schema(url: str) -> None:
    engines = [Postgres(url, lanes=1) for _ in range(3)]
    await asyncio.gather(*(engine.open() for engine in engines))
    try:
        assert sorted(engine.is_new for engine in engines) == [False, False, True]
    finally:
        await asyncio.gather(*(engine.close() for engine in engines))


@pytest.mark.parametrize(("oldest", "refused"), [(1, False), (99, True)])
async def test_a_newer_schema_says_whether_older_programs_go_on(
    url: str, oldest: int, refused: bool
) -> None:
    engine = Postgres(url, lanes=1)
    await engine.open()
    await engine.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE schema_version SET version = 99, oldest_reader = %s", (oldest,))
    again = Postgres(url, lanes=1)
    if refused:
        with pytest.raises(StorageError, match="newer version"):
            await again.open()
    else:
        await again.open()
        assert not again.is_new
    await again.close()


async def test_a_step_that_fails_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    number = migration.newest() + 1
    broken = {**migration.steps(), number: "-- oldest_reader: 1\nCREATE TABLE half (); SELECT 1/0"}
    monkeypatch.setattr(migration, "steps", lambda: broken)
    engine = Postgres(url, lanes=1)
    with pytest.raises(StorageError, match="22012"):
        await engine.open()
    await engine.close()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)
        row = connection.execute("SELECT version FROM schema_version").fetchone()
        assert row == (number - 1,)
