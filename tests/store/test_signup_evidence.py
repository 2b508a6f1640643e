"""What customers told, by member and by key."""

import sqlite3

import pytest

from gateway.store import members, signup_evidence
from tests.duplicates.judging import open_index

KEYS: dict[str, bytes | None] = dict.fromkeys(signup_evidence.COLUMNS)


@pytest.fixture
def db() -> sqlite3.Connection:
    """Customers 1 to 30 are linked to the members 101 to 130, customer 99 to nobody."""
    made = open_index()
    made.executemany(
        """INSERT INTO links (channel, customer_id, reference, created_at, updated_at)
           VALUES ('smaregi', ?, ?, 0, 0)""",
        [(n, str(100 + n)) for n in range(1, 31)],
    )
    return made


def test_what_was_told_last_is_found_by_the_member_and_by_each_key(
    db: sqlite3.Connection,
) -> None:
    signup_evidence.put(db, 1, KEYS | {"mobile_key": b"old"})
    signup_evidence.put(db, 1, KEYS | {"mobile_key": b"m", "kana_key": b"k", "birth_key": b"b"})
    signup_evidence.put(db, 99, KEYS | {"mobile_key": b"m"})
    assert signup_evidence.of_members(db, [101, 102])[101]["mobile_key"] == b"m"
    assert signup_evidence.alike(db, KEYS | {"mobile_key": b"m"}) == {101}
    assert signup_evidence.alike(db, KEYS | {"mobile_key": b"old"}) == set()
    assert signup_evidence.alike(db, KEYS | {"kana_key": b"k", "birth_key": b"b"}) == {101}
    assert signup_evidence.alike(db, KEYS | {"kana_key": b"k", "postal_key": b"b"}) == set()
    assert signup_evidence.forget_unlinked(db, 0)[0] == 1


def test_keys_are_the_same_after_packing() -> None:
    keys = KEYS | {"mobile_key": b"m" * 8, "place_key": b"p" * 8}
    assert signup_evidence.unpacked(signup_evidence.packed(keys)) == keys
    assert signup_evidence.unpacked(signup_evidence.packed(KEYS)) == KEYS


@pytest.mark.parametrize(("sharing", "found"), [(members.SHARED_BY, 20), (21, 0)])
def test_what_too_many_told_is_no_evidence(
    db: sqlite3.Connection, sharing: int, found: int
) -> None:
    for customer in range(1, sharing + 1):
        signup_evidence.put(db, customer, KEYS | {"mobile_key": b"m"})
    assert len(signup_evidence.alike(db, KEYS | {"mobile_key": b"m"})) == found


@pytest.mark.parametrize("columns", members.ALIKE)
def test_no_look_up_reads_every_link(db: sqlite3.Connection, columns: tuple[str, ...]) -> None:
    where = " AND ".join(f"signup_evidence.{column} = ?" for column in columns)
    by_keys = f"{signup_evidence.BY_KEYS} {where}"
    for query, table in ((by_keys, "signup_evidence"), (signup_evidence.BY_MEMBER, "links")):
        values = (b"",) * query.count("?")
        plan = db.execute(f"EXPLAIN QUERY PLAN SELECT 1 {query}", values).fetchall()
        steps = [step["detail"] for step in plan]
        assert len(steps) == 2
        assert steps[0].startswith(f"SEARCH {table} USING")
        assert steps[1].startswith("SEARCH")
