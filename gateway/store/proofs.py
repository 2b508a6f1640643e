"""Queries on proofs: which e-mail is known to be a customer's, as a keyed hash.

A proof never counts for another e-mail: it names its e-mail, and so does a link that waits for one.
`emails` are the hashes of one e-mail by every secret, newest first.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache

import orjson

from gateway.store.outbox.write import values

__all__ = ["is_known", "is_news", "keep", "prove", "rekey", "release"]


def is_known(db: sqlite3.Connection, customer_id: int, emails: Sequence[bytes]) -> bool:
    """Whether this e-mail is known to be theirs."""
    row = db.execute(
        "SELECT email_hash FROM proofs WHERE customer_id = ?", (customer_id,)
    ).fetchone()
    return row is not None and row["email_hash"] in emails


def is_news(
    db: sqlite3.Connection, customer_id: int, emails: Sequence[bytes], *, signed_in: bool
) -> bool:
    """Whether `prove` would change anything. Only a first sign-in proves the e-mail of its day."""
    row = db.execute(
        "SELECT email_hash, signed_in FROM proofs WHERE customer_id = ?", (customer_id,)
    ).fetchone()
    if row is None:
        return True
    return not row["signed_in"] if signed_in else row["email_hash"] not in emails


def prove(
    db: sqlite3.Connection, customer_id: int, emails: Sequence[bytes], *, signed_in: bool = False
) -> bool:
    """The e-mail is theirs. True if a link waited for that: a webhook may have come before their
    sign-up, and have linked a store member.
    """
    rekey(db, customer_id, emails)
    keep(db, [(customer_id, emails[0])], signed_in=signed_in)
    return release(db, [customer_id])


def keep(
    db: sqlite3.Connection, proven: Sequence[tuple[int, bytes]], *, signed_in: bool = False
) -> None:
    """As `prove`, of several customers and the hashes of their e-mails, where no link waits."""
    db.execute(
        _keep_sql(len(proven)),
        [value for customer_id, email in proven for value in (customer_id, email, int(signed_in))],
    )


@lru_cache(maxsize=64)
def _keep_sql(rows: int) -> str:
    return f"""INSERT INTO proofs (customer_id, email_hash, signed_in) VALUES {values(3, rows)}
        ON CONFLICT (customer_id) DO UPDATE SET
            email_hash = excluded.email_hash,
            signed_in = CASE WHEN excluded.signed_in = 1 THEN 1 ELSE proofs.signed_in END"""  # noqa: S608


def rekey(db: sqlite3.Connection, customer_id: int, emails: Sequence[bytes]) -> None:
    """What is kept of this e-mail by an older secret is kept by the newest."""
    newest, *older = emails
    for each in older:
        db.execute(
            "UPDATE proofs SET email_hash = ?1 WHERE customer_id = ?2 AND email_hash = ?3",
            (newest, customer_id, each),
        )
        # A link is found by its channel; few can wait for a proof at all.
        db.execute(
            """UPDATE links SET unproven = ?1
               WHERE channel = 'smaregi' AND customer_id = ?2 AND unproven = ?3""",
            (newest, customer_id, each),
        )
        waiting = db.execute(
            """SELECT id, plan FROM deliveries
               WHERE customer_id = ? AND json_extract(plan, '$.unproven') = ?""",
            (customer_id, each.hex()),
        ).fetchall()
        for row in waiting:
            plan = {**orjson.loads(row["plan"]), "unproven": newest.hex()}
            db.execute(
                "UPDATE deliveries SET plan = ? WHERE id = ?",
                (orjson.dumps(plan).decode(), row["id"]),
            )


def release(db: sqlite3.Connection, customer_ids: Iterable[int]) -> bool:
    """Releases links that waited for a proof that exists already. True if there was one."""
    done = db.executemany(
        """UPDATE links SET unproven = NULL WHERE customer_id = ?1
           AND unproven = (SELECT email_hash FROM proofs WHERE customer_id = ?1)""",
        [(customer_id,) for customer_id in customer_ids],
    )
    return done.rowcount > 0
