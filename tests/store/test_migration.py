"""A file of an older schema: upgraded whole, kept beside it first, never half."""

import re
import sqlite3
import stat
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import StorageError
from gateway.store import Database, migration

_OLD = Path(__file__).parent / "data" / "schema-1.sql"
_PUT_RIGHT: Mapping[str, int] = {"links": 1, "deliveries": -1}
"""Rows that an upgrade takes away (or adds) on purpose, by table."""
_REPLACED = {"unproven"}
"""Tables in whose place there is another now."""
_RENAMED = {
    "answers": "idempotency_keys",
    "told": "signup_evidence",
    "unexamined": "duplicate_queue",
}


def old_file(folder: Path) -> Path:
    """A file of schema 1 with rows in every state, as the program of that time wrote it."""
    path = folder / "gateway.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(_OLD.read_text("utf-8"))
    return path


def counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as db:
        names = db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        ).fetchall()
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in names}


def shape(path: Path) -> set[tuple[str, str]]:
    """Every table and index: its name, and its SQL without comments and white space."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return {(name, re.sub(r"--[^\n]*|[\s\"]+", "", sql)) for name, sql in found}


async def opened(path: Path) -> None:
    db = Database(path)
    await db.open()
    await db.close()


def with_step(monkeypatch: pytest.MonkeyPatch, script: str) -> int:
    """One step more; the version that it leads to."""
    version = migration.newest() + 1
    more = {**migration.steps(), version: script}
    monkeypatch.setattr(migration, "steps", lambda: more)
    return version


async def test_an_old_file_keeps_every_row(tmp_path: Path) -> None:
    path = old_file(tmp_path)
    before = counts(path)
    assert {name for name, rows in before.items() if not rows} <= {"told"}
    await opened(path)
    after = counts(path)
    kept = before.keys() - _REPLACED
    now = {name: after[_RENAMED.get(name, name)] + _PUT_RIGHT.get(name, 0) for name in kept}
    assert now == {name: before[name] for name in kept}


async def test_what_was_proven_is_still_known_after_the_upgrade(tmp_path: Path) -> None:
    path = old_file(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        said = "SELECT customer_id, email_hash FROM registrations WHERE email_verified = 1"
        known = {*db.execute(f"{said} AND customer_id IS NOT NULL")}
    await opened(path)
    with closing(sqlite3.connect(path)) as db:
        assert {*db.execute("SELECT customer_id, email_hash FROM proofs")} == known != set()


async def test_of_several_links_to_one_record_the_earliest_stays_and_the_rest_is_shown(
    tmp_path: Path,
) -> None:
    path = old_file(tmp_path)
    await opened(path)
    with closing(sqlite3.connect(path)) as db:
        kept = db.execute("SELECT customer_id FROM links WHERE reference = '5001'").fetchall()
        shown = db.execute(
            "SELECT customer_id, channel, outcome, message FROM deliveries"
            " WHERE error_class = 'conflict'"
        ).fetchall()
    assert kept == [(7100000000100,)]
    ((customer, channel, outcome, message),) = shown
    assert (customer, channel, outcome) == (7100000000101, "crm", "failed")
    assert "another customer (7100000000100)" in message


async def test_what_is_owed_already_to_who_loses_a_link_stays_as_it_is(tmp_path: Path) -> None:
    path = old_file(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(
            """INSERT INTO deliveries (customer_id, channel, kind, outcome, created_at, updated_at)
               VALUES (7100000000101, 'crm', 'removal', 'pending', 1.0, 1.0)"""
        )
    await opened(path)
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(
            "SELECT kind, outcome FROM deliveries WHERE customer_id = 7100000000101"
        ).fetchall()
    assert rows == [("removal", "pending")]


async def test_the_id_of_a_delivery_that_is_gone_is_not_given_again_after_the_upgrade(
    tmp_path: Path,
) -> None:
    path = old_file(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM links")  # two that contradict each other make a delivery
        db.execute("UPDATE sqlite_sequence SET seq = 5000 WHERE name = 'deliveries'")
    await opened(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        made = db.execute(
            """INSERT INTO deliveries (customer_id, channel, kind, outcome, created_at, updated_at)
               VALUES (1, 'crm', 'update', 'delivered', 1.0, 1.0)"""
        )
    assert made.lastrowid == 5001


async def test_an_upgraded_file_is_like_a_new_one(tmp_path: Path) -> None:
    path = old_file(tmp_path)
    await opened(path)
    fresh = tmp_path / "fresh.db"
    await opened(fresh)
    assert shape(path) == shape(fresh)
    for each in (path, fresh):
        with closing(sqlite3.connect(each)) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (migration.newest(),)


async def test_the_file_is_copied_before_it_is_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_file(tmp_path)
    before = counts(path)
    with_step(monkeypatch, "DELETE FROM links;")
    await opened(path)
    copy = migration.copy_path(path, 1)
    assert counts(copy) == before | {"intents": 0}
    assert counts(path)["links"] == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


async def test_the_data_of_sign_ups_under_way_leaves_no_bytes_in_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_file(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        sealed = [row[0] for row in db.execute("SELECT sealed FROM intents")]
    assert any(each in path.read_bytes() for each in sealed if len(each) > 20)
    with_step(monkeypatch, "SELECT 1;")
    await opened(path)
    left = migration.copy_path(path, 1).read_bytes()
    assert not any(each in left for each in sealed if len(each) > 20)


async def test_a_step_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_file(tmp_path)
    with monkeypatch.context() as patch:
        with_step(patch, "DELETE FROM links; INSERT INTO no_such_table VALUES (1);")
        with pytest.raises(StorageError):
            await Database(path).open()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM links").fetchone()[0] > 0
    await opened(path)


async def test_a_step_may_make_a_table_anew_without_losing_what_refers_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_file(tmp_path)
    attempts = counts(path)["attempts"]
    with_step(
        monkeypatch,
        """CREATE TABLE anew AS SELECT * FROM deliveries; DROP TABLE deliveries;
           ALTER TABLE anew RENAME TO deliveries;
           CREATE UNIQUE INDEX deliveries_id ON deliveries (id);""",
    )
    await opened(path)
    assert counts(path)["attempts"] == attempts > 0


async def test_a_step_that_leaves_loose_references_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_file(tmp_path)
    with_step(monkeypatch, "DELETE FROM deliveries;")
    with pytest.raises(StorageError, match="loose references"):
        await Database(path).open()
    assert counts(path)["deliveries"] > 0


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = old_file(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {migration.newest() + 1}")
    before = counts(path)
    with pytest.raises(StorageError, match="newer version") as caught:
        await Database(path).open()
    assert "start the newer version" in caught.value.hint
    assert counts(path) == before


async def test_a_row_of_a_member_from_before_the_upgrade_gives_way_to_any_news(
    tmp_path: Path,
) -> None:
    """It has no time of its last change yet."""
    path = old_file(tmp_path)
    await opened(path)
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT updated_at FROM members").fetchall()
    assert {*rows} == {(0,)}
