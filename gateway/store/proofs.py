"""Queries on proofs: which e-mail is known to be a customer's, as a keyed hash.

What is said of one e-mail never counts for the next: a proof names the e-mail it is of, and so does
a link that waits for one.
"""

import sqlite3
from collections.abc import Iterable

__all__ = ["is_known", "is_news", "of_registration", "prove", "release"]


def is_known(db: sqlite3.Connection, customer_id: int, email_hash: bytes) -> bool:
    """Whether this e-mail is known to be theirs."""
    row = db.execute(
        "SELECT 1 FROM proofs WHERE customer_id = ? AND email_hash = ?", (customer_id, email_hash)
    ).fetchone()
    return row is not None


def is_news(
    db: sqlite3.Connection, customer_id: int, email_hash: bytes, *, signed_in: bool
) -> bool:
    """Whether `prove` would change anything. Only a first sign-in proves the e-mail of its day."""
    row = db.execute(
        "SELECT email_hash, signed_in FROM proofs WHERE customer_id = ?", (customer_id,)
    ).fetchone()
    if row is None:
        return True
    return not row["signed_in"] if signed_in else row["email_hash"] != email_hash


def prove(
    db: sqlite3.Connection, customer_id: int, email_hash: bytes, *, signed_in: bool = False
) -> bool:
    """The e-mail is theirs. True where a link waited for that."""
    db.execute(
        """INSERT INTO proofs (customer_id, email_hash, signed_in) VALUES (?, ?, ?)
           ON CONFLICT (customer_id) DO UPDATE SET
               email_hash = excluded.email_hash, signed_in = max(signed_in, excluded.signed_in)""",
        (customer_id, email_hash, signed_in),
    )
    return release(db, [customer_id])


def of_registration(db: sqlite3.Connection, registration_id: str) -> None:
    """What the caller of an accepted registration said of its e-mail."""
    db.execute(
        """INSERT INTO proofs (customer_id, email_hash)
           SELECT customer_id, email_hash FROM registrations WHERE id = ? AND email_verified = 1
           ON CONFLICT (customer_id) DO UPDATE SET email_hash = excluded.email_hash""",
        (registration_id,),
    )


def release(db: sqlite3.Connection, customer_ids: Iterable[int]) -> bool:
    """Links that waited for a proof that is there. True where there was one."""
    done = db.executemany(
        """UPDATE links SET unproven = NULL WHERE customer_id = ?1
           AND unproven = (SELECT email_hash FROM proofs WHERE customer_id = ?1)""",
        [(customer_id,) for customer_id in customer_ids],
    )
    return done.rowcount > 0
