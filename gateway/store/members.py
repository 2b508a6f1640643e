"""Every query on the index of Smaregi members. Keys are keyed hashes; nothing here is readable."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "ALIKE",
    "SHARED_BY",
    "Member",
    "alike",
    "by_email",
    "forget",
    "forget_unseen",
    "get",
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


def get(db: sqlite3.Connection, member_id: int) -> Member | None:
    found = _found(db, "member_id = ?", (member_id,))
    return found[0] if found else None


def by_email(db: sqlite3.Connection, key: bytes) -> list[Member]:
    """Members with this e-mail, lowest id first."""
    return _found(db, "email_key = ?", (key,))


def alike(db: sqlite3.Connection, one: Member) -> list[Member]:
    """Members that share e-mail, mobile number, kana and birth date, kana and postal code, or name
    and place with this one, each once; none by a key that too many share.
    """
    found: dict[int, Member] = {}
    for columns in ALIKE:
        keys = [getattr(one, column) for column in columns]
        if None not in keys:
            where = " AND ".join(f"{column} = ?" for column in columns)
            sharing = _found(db, where, keys, SHARED_BY + 1)
            if len(sharing) <= SHARED_BY:
                found |= {other.member_id: other for other in sharing}
    found.pop(one.member_id, None)
    return list(found.values())


def _found(
    db: sqlite3.Connection, where: str, keys: Sequence[bytes | int], limit: int = -1
) -> list[Member]:
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM members WHERE {where} ORDER BY member_id LIMIT ?",  # noqa: S608
        (*keys, limit),
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


def forget(db: sqlite3.Connection, member_ids: Iterable[int]) -> None:
    """Members that Smaregi has no more."""
    db.executemany("DELETE FROM members WHERE member_id = ?", [(i,) for i in member_ids])


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
