"""Every query on the index of Smaregi members. Keys are keyed hashes; nothing here is readable."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "Member",
    "by_email",
    "by_kana",
    "by_mobile",
    "by_name_and_place",
    "forget_unseen",
    "highest_id",
    "number_taken",
    "size",
    "upsert",
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


_COLUMNS = (
    "member_id, code, number, email_key, status, kana_key, name_key, birth_key, last_come, points,"
    " mobile_key, postal_key, place_key"
)


def upsert(db: sqlite3.Connection, members: Sequence[Member], scan: int) -> None:
    """Write members as Smaregi has them now; `scan` is the pass that saw them."""
    db.executemany(
        f"INSERT OR REPLACE INTO members ({_COLUMNS}, seen_scan)"  # noqa: S608
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [
            (
                m.member_id,
                m.code,
                m.number,
                m.email_key,
                m.status,
                m.kana_key,
                m.name_key,
                m.birth_key,
                m.last_come,
                m.points,
                m.mobile_key,
                m.postal_key,
                m.place_key,
                scan,
            )
            for m in members
        ],
    )


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
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM members WHERE {where} ORDER BY member_id",  # noqa: S608
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


def highest_id(db: sqlite3.Connection, scan: int) -> int:
    """The last member that an interrupted scan had reached, 0 if none."""
    row = db.execute("SELECT max(member_id) FROM members WHERE seen_scan = ?", (scan,)).fetchone()
    return row[0] or 0


def forget_unseen(db: sqlite3.Connection, scan: int, touched: Iterable[int] = ()) -> int:
    """A full scan is done: members that neither it nor a refresh meanwhile met are gone."""
    db.executemany(
        "UPDATE members SET seen_scan = ? WHERE member_id = ?", [(scan, i) for i in touched]
    )
    return db.execute("DELETE FROM members WHERE seen_scan < ?", (scan,)).rowcount


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
