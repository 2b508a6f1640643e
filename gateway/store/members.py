"""Every query on the index of Smaregi members. Keys are keyed hashes; nothing here is readable."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

__all__ = [
    "COLUMNS",
    "PART",
    "Member",
    "Values",
    "by_email",
    "by_kana",
    "by_mobile",
    "by_name_and_place",
    "number_taken",
    "size",
    "upsert",
    "write_page",
]


@dataclass(frozen=True, slots=True)
class Member:
    """What the match rules need of a member. `status` as Smaregi counts (0 active … 4 merged)."""

    member_id: int
    code: str
    number: str
    email_key: bytes | None
    status: int
    kana_key: bytes | None
    name_key: bytes | None
    birth_key: bytes | None
    last_come: str
    points: int
    mobile_key: bytes | None = None
    postal_key: bytes | None = None
    place_key: bytes | None = None


Values = tuple[Any, ...]
"""The values of a `Member` in the order of its fields."""

PART = 32768
"""Members in a part; see the schema."""

_NAMES = tuple(field.name for field in fields(Member))
COLUMNS = ", ".join(_NAMES)
_OTHERS = ", ".join(_NAMES[1:])
_UPSERT = (
    f"INSERT INTO members ({COLUMNS}, part) VALUES ({'?, ' * len(_NAMES)}?)"  # noqa: S608
    f" ON CONFLICT (member_id) DO UPDATE SET ({_OTHERS}) ="
    f" ({', '.join(f'excluded.{name}' for name in _NAMES[1:])})"
    f" WHERE ({_OTHERS}) IS NOT ({', '.join(f'excluded.{name}' for name in _NAMES[1:])})"
)


def upsert(db: sqlite3.Connection, rows: Sequence[Values]) -> None:
    """Write members as Smaregi has them now; what has not changed is not written."""
    ids = "[" + ",".join(str(row[0]) for row in rows) + "]"
    known = db.execute(
        "SELECT count(*) FROM json_each(?) JOIN members ON member_id = value", (ids,)
    ).fetchone()[0]
    came = _came(db)
    part = (came // PART,)
    db.executemany(_UPSERT, [row + part for row in rows])
    if known < len(rows):
        set_meta(db, "members_came", str(came + len(rows) - known))


def write_page(
    db: sqlite3.Connection, low: int, high: int, rows: Sequence[Values], present: set[int]
) -> None:
    """Write `rows`, and forget whoever has an id of `low` to `high` that is not `present`."""
    upsert(db, rows)
    known = db.execute("SELECT member_id FROM members WHERE member_id BETWEEN ? AND ?", (low, high))
    gone = [tuple(row) for row in known if row[0] not in present]
    db.executemany("DELETE FROM members WHERE member_id = ?", gone)


def _came(db: sqlite3.Connection) -> int:
    """How many members have ever been new, which says how many parts there are."""
    return int(get_meta(db, "members_came") or 0)


def by_email(db: sqlite3.Connection, key: bytes) -> list[Member]:
    """Members with this e-mail, lowest id first."""
    return _found(db, "email_key = ?", (key,))


def by_mobile(db: sqlite3.Connection, key: bytes) -> list[Member]:
    """Members with this mobile number, lowest id first."""
    return _found(db, "mobile_key = ?", (key,))


def by_kana(
    db: sqlite3.Connection, key: bytes, birth_key: bytes | None, postal_key: bytes | None
) -> list[Member]:
    """Members with this kana, and this birth date or this postal code, lowest id first."""
    where = "kana_key = ? AND (birth_key = ? OR postal_key = ?)"
    return _found(db, where, (key, birth_key, postal_key))


def by_name_and_place(db: sqlite3.Connection, name_key: bytes, place_key: bytes) -> list[Member]:
    """Members with this name at this place, lowest id first."""
    return _found(db, "place_key = ? AND name_key = ?", (place_key, name_key))


def _found(db: sqlite3.Connection, where: str, values: Sequence[bytes | None]) -> list[Member]:
    parts = ",".join(map(str, range(_came(db) // PART + 1)))
    rows = db.execute(
        f"SELECT {COLUMNS} FROM members"  # noqa: S608
        f" WHERE part IN ({parts}) AND {where} ORDER BY member_id",
        values,
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
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
