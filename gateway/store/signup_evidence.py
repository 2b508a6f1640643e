"""Every query on what linked customers told at sign-up: keyed hashes.

The store member may lack it: often it has no more than a name and a telephone number. The keys are
those of the member index, so that both can be compared.
"""

import sqlite3
from collections.abc import Iterable, Mapping

from gateway.store.members import ALIKE, KEY_SIZE, SHARED_BY
from gateway.store.paging import PAGE

__all__ = [
    "BY_KEYS",
    "BY_MEMBER",
    "COLUMNS",
    "alike",
    "forget_unlinked",
    "of_members",
    "packed",
    "put",
    "unpacked",
]

COLUMNS = (
    "email_key",
    "mobile_key",
    "kana_key",
    "name_key",
    "birth_key",
    "postal_key",
    "place_key",
)
_REPLACED = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS)
_NOTHING = bytes(KEY_SIZE)
_SAME = "links.channel = 'smaregi' AND links.customer_id = signup_evidence.customer_id"
# A cross join keeps the order: without statistics SQLite would begin with every link there is.
BY_MEMBER = f"FROM links CROSS JOIN signup_evidence WHERE {_SAME} AND links.reference = ?"
BY_KEYS = f"FROM signup_evidence CROSS JOIN links WHERE {_SAME} AND"


def packed(keys: Mapping[str, bytes | None]) -> bytes:
    """Keys one after the other; zeros where nothing was told."""
    return b"".join(keys.get(column) or _NOTHING for column in COLUMNS)


def unpacked(text: bytes) -> dict[str, bytes | None]:
    parts = [text[at : at + KEY_SIZE] for at in range(0, len(text), KEY_SIZE)]
    return {
        column: None if part == _NOTHING else part
        for column, part in zip(COLUMNS, parts, strict=True)
    }


def put(db: sqlite3.Connection, customer_id: int, keys: Mapping[str, bytes | None]) -> None:
    """Keep what this customer told, by column."""
    db.execute(
        f"""INSERT INTO signup_evidence (customer_id, {", ".join(COLUMNS)})
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (customer_id) DO UPDATE SET {_REPLACED}""",  # noqa: S608
        (customer_id, *(keys.get(column) for column in COLUMNS)),
    )


def of_members(
    db: sqlite3.Connection, member_ids: Iterable[int]
) -> dict[int, dict[str, bytes | None]]:
    """Member id -> what its customer told."""
    found: dict[int, dict[str, bytes | None]] = {}
    for member_id in member_ids:
        row = db.execute(
            f"SELECT {', '.join(COLUMNS)} {BY_MEMBER}",
            (str(member_id),),
        ).fetchone()
        if row is not None:
            found[member_id] = dict(row)
    return found


def alike(db: sqlite3.Connection, keys: Mapping[str, bytes | None]) -> set[int]:
    """Members whose customers told something that matches, as `members.alike`."""
    sharing: list[list[int]] = [[] for _ in ALIKE]
    told = [keys[column] for columns in ALIKE for column in columns]
    for which, reference in db.execute(_ALIKE_SQL, told):
        sharing[which].append(int(reference))
    return {member_id for few in sharing if len(few) <= SHARED_BY for member_id in few}


_ALIKE_SQL = " UNION ALL ".join(
    f"""SELECT * FROM (SELECT {which}, links.reference {BY_KEYS}
                              {" AND ".join(f"signup_evidence.{column} = ?" for column in columns)}
                       LIMIT {SHARED_BY + 1}) AS by_{which}"""  # noqa: S608
    for which, columns in enumerate(ALIKE)
)


def forget_unlinked(db: sqlite3.Connection, after: int) -> tuple[int, int | None]:
    """What was told by customers who are linked to no member any more. A page of all, behind the
    customer `after`.
    """
    rows = db.execute(
        """SELECT customer_id, EXISTS (SELECT 1 FROM links WHERE channel = 'smaregi'
                                       AND customer_id = signup_evidence.customer_id) AS linked
           FROM signup_evidence WHERE customer_id > ? ORDER BY customer_id LIMIT ?""",
        (after, PAGE),
    ).fetchall()
    gone = [(row["customer_id"],) for row in rows if not row["linked"]]
    db.executemany("DELETE FROM signup_evidence WHERE customer_id = ?", gone)
    return len(gone), rows[-1]["customer_id"] if rows else None
