"""The disk and the clock that the crash test gives its gateway are as bad as they say."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.hampered import Filling
from tests.crash.hardship import Hardship
from tests.e2e.trouble.disk import sqlite_on

_WRITE = "INSERT INTO t VALUES (zeroblob(100000))"


def test_a_full_disk_takes_nothing_new_until_there_is_room(tmp_path: Path) -> None:
    hardship = Hardship.new(tmp_path / "hardship")
    with sqlite_on(Filling(hardship, tmp_path)), closing(sqlite3.connect(tmp_path / "db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (x)")
        db.commit()
        hardship.full = True
        with pytest.raises(sqlite3.OperationalError, match="full"), db:
            db.execute(_WRITE)
        hardship.full = False
        with db:
            db.execute(_WRITE)
        assert db.execute("SELECT count(*) FROM t").fetchone() == (1,)


def test_the_other_process_sees_what_one_sets(tmp_path: Path) -> None:
    ours = Hardship.new(tmp_path / "hardship")
    theirs = Hardship(tmp_path / "hardship")
    ours.ahead, ours.full = -3600.0, True
    assert (theirs.ahead, theirs.full) == (-3600.0, True)


def test_what_happened_on_a_full_disk_is_known_afterwards(tmp_path: Path) -> None:
    hardship, before = Hardship.new(tmp_path / "hardship"), time.monotonic()
    assert not hardship.was_full(before)
    hardship.full = True
    hardship.full = False
    assert hardship.was_full(before)
    assert not hardship.was_full(time.monotonic() + 1)
