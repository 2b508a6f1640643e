"""Every query on the index of Smaregi members. Keys are keyed hashes; nothing here is readable."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

import orjson

from gateway import frozen
from gateway.store.batches import batches
from gateway.store.outbox.write import values
from gateway.store.paging import EVERY, LOOKED

__all__ = [
    "ALIKE",
    "AMONG",
    "COLUMNS",
    "KEY_SIZE",
    "PART",
    "SHARED_BY",
    "Member",
    "Values",
    "alike",
    "by_email",
    "by_mobile",
    "emails",
    "forget",
    "get",
    "number_taken",
    "parts",
    "size",
    "upsert",
    "write_page",
]


@frozen
class Member:
    """What the match rules need of a member. `status` as Smaregi counts (0 active … 4 merged).

    `updated_at` is Smaregi's own time of its last change, in Unix seconds; 0 where it gave none.
    The index keeps no `points`; whoever decides by them reads them at Smaregi.
    """

    member_id: int
    code: str
    number: str
    email_key: bytes | None
    status: int
    kana_key: bytes | None
    name_key: bytes | None
    birth_key: bytes | None
    last_come: str
    updated_at: int
    mobile_key: bytes | None = None
    postal_key: bytes | None = None
    place_key: bytes | None = None
    points: int = 0


Values = tuple[Any, ...]
"""What the index keeps of a `Member`, in the order of its fields."""

KEY_SIZE = 8
"""Bytes of a key: among a million members the chance of two that are equal by accident is 1 in
30 million."""

PART = 16384
"""Members in a part; see the schema."""

_NAMES = tuple(field.name for field in fields(Member) if field.name != "points")
COLUMNS = ", ".join(_NAMES)
_OTHERS = ", ".join(_NAMES[1:])
_KNOWN, _READ = (
    ", ".join(f"{table}.{name}" for name in _NAMES[1:]) for table in ("members", "excluded")
)
AMONG = """member_id IN (SELECT CAST(one.value AS BIGINT)
                         FROM json_each(CAST(? AS TEXT)) AS one)"""
"""Of ids as JSON: one statement, however many they are."""
_AT_ONCE = 64
"""Rows in a statement: between two of them the event loop may want the interpreter's lock."""
_CHANGED = (
    f" ON CONFLICT (member_id) DO UPDATE SET ({_OTHERS}) = ({_READ})"
    f" WHERE ({_KNOWN}) IS NOT ({_READ})"
    " AND (excluded.updated_at >= members.updated_at OR excluded.updated_at = 0)"
)


ALIKE: tuple[tuple[str, ...], ...] = (
    ("email_key",),
    ("mobile_key",),
    ("kana_key", "birth_key"),
    ("kana_key", "postal_key"),
    ("place_key", "name_key"),
)
"""What makes two members alike, each with its index."""

SHARED_BY = 20
"""A key of more members than these is no evidence: a placeholder, the shop's own telephone."""


def upsert(db: sqlite3.Connection, rows: Sequence[Values]) -> None:
    """Write members as Smaregi has them; what has not changed, or was older, is not written."""
    ids = "[" + ",".join(str(row[0]) for row in rows) + "]"
    known = db.execute(
        """SELECT count(*) FROM json_each(CAST(? AS TEXT)) AS one
                           JOIN members ON member_id = CAST(one.value AS BIGINT)""",
        (ids,),
    ).fetchone()[0]
    _upsert(db, rows, known)


def _upsert(db: sqlite3.Connection, rows: Sequence[Values], known: int) -> None:
    """`known`: how many of them the index has already."""
    came = _came(db)
    part = (came // PART,)
    for some in batches(rows, _AT_ONCE):
        db.execute(_upsert_sql(len(some)), [value for row in some for value in (*row, *part)])
    if known < len(rows):
        set_meta(db, "members_came", str(came + len(rows) - known))


@lru_cache(maxsize=64)
def _upsert_sql(rows: int) -> str:
    placeholders = values(len(_NAMES) + 1, rows)
    return f"INSERT INTO members ({COLUMNS}, part) VALUES {placeholders}{_CHANGED}"  # noqa: S608


def write_page(
    db: sqlite3.Connection, low: int, high: int, rows: Sequence[Values], present: set[int]
) -> None:
    """Write `rows`, and forget whoever has an id of `low` to `high` that is not `present`."""
    found = db.execute("SELECT member_id FROM members WHERE member_id BETWEEN ? AND ?", (low, high))
    known = {row[0] for row in found}
    _upsert(db, rows, sum(row[0] in known for row in rows))
    db.executemany("DELETE FROM members WHERE member_id = ?", [(i,) for i in known - present])


def forget(db: sqlite3.Connection, member_ids: Iterable[int]) -> None:
    """Members that Smaregi has no more."""
    db.executemany("DELETE FROM members WHERE member_id = ?", [(i,) for i in member_ids])


def _came(db: sqlite3.Connection) -> int:
    """How many members have ever been new, which says how many parts there are."""
    return int(get_meta(db, "members_came") or 0)


def parts(db: sqlite3.Connection) -> int:
    """How many there are: every index of keys begins with the part; see the schema."""
    return _came(db) // PART + 1


def _parts(db: sqlite3.Connection) -> str:
    return ",".join(map(str, range(parts(db))))


def emails(db: sqlite3.Connection, part: int, after: bytes) -> list[bytes]:
    """Keys of e-mails that members of this part have: the next thousand, in their order."""
    rows = db.execute(
        """SELECT email_key FROM members WHERE part = ? AND email_key > ?
           ORDER BY email_key LIMIT ?""",
        (part, after, LOOKED),
    )
    return [row[0] for row in rows]


def by_email(db: sqlite3.Connection, key: bytes) -> list[Member]:
    """Members with this e-mail, lowest id first."""
    return _found(db, "email_key = ?", (key,))


def by_mobile(db: sqlite3.Connection, key: bytes) -> list[Member]:
    """Members with this mobile number, lowest id first; none where too many share it."""
    found = _found(db, "mobile_key = ?", (key,), SHARED_BY + 1)
    return found if len(found) <= SHARED_BY else []


def get(db: sqlite3.Connection, member_id: int) -> Member | None:
    row = db.execute(
        f"SELECT {COLUMNS} FROM members WHERE member_id = ?",  # noqa: S608
        (member_id,),
    ).fetchone()
    return Member(*row) if row else None


def alike(db: sqlite3.Connection, one: Member) -> list[Member]:
    """Members that share e-mail, mobile number, kana and birth date, kana and postal code, or name
    and place with this one, each once, lowest id first; none by a key that too many share.
    """
    sharing: list[list[int]] = [[] for _ in ALIKE]
    keys = [getattr(one, column) for columns in ALIKE for column in columns]
    for which, member_id in db.execute(_alike_sql(_parts(db)), keys):
        sharing[which].append(member_id)
    found = {member_id for few in sharing if len(few) <= SHARED_BY for member_id in few}
    others = sorted(found - {one.member_id})
    if not others:
        return []
    sql = f"SELECT {COLUMNS} FROM members WHERE {AMONG} ORDER BY member_id"  # noqa: S608
    return [Member(*row) for row in db.execute(sql, (orjson.dumps(others).decode(),))]


@lru_cache(maxsize=4)
def _alike_sql(parts: str) -> str:
    """One statement, for it is asked for each member that changed; the indexes alone answer it, and
    most members are like nobody else. No row has an unknown key.
    """
    return " UNION ALL ".join(
        f"""SELECT * FROM (SELECT {which}, member_id FROM members
                           WHERE part IN ({parts}) AND {" = ? AND ".join(columns)} = ?
                           LIMIT {SHARED_BY + 1}) AS by_{which}"""  # noqa: S608
        for which, columns in enumerate(ALIKE)
    )


def _found(
    db: sqlite3.Connection, where: str, values: Sequence[bytes | None], limit: int = EVERY
) -> list[Member]:
    """Lowest id first."""
    rows = db.execute(
        f"SELECT {COLUMNS} FROM members"  # noqa: S608
        f" WHERE part IN ({_parts(db)}) AND {where} ORDER BY member_id LIMIT ?",
        (*values, limit),
    )
    return [Member(*row) for row in rows]


def number_taken(db: sqlite3.Connection, number: str) -> bool:
    """Whether a member has this `customerNo`."""
    return (
        db.execute(
            "SELECT 1 FROM members WHERE number = ? AND number <> '' LIMIT 1", (number,)
        ).fetchone()
        is not None
    )


def size(db: sqlite3.Connection) -> int:
    number: int = db.execute("SELECT count(*) FROM members").fetchone()[0]
    return number


def get_meta(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def set_meta(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute(
        """INSERT INTO meta (key, value) VALUES (?, ?)
           ON CONFLICT (key) DO UPDATE SET value = excluded.value""",
        (key, value),
    )
