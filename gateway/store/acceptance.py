"""Shopify has the customers of sign-ups: what they are owed is written, their data is deleted."""

import sqlite3
from collections.abc import Collection, Sequence
from functools import lru_cache

import orjson

from gateway import frozen
from gateway.background import on_behalf_of
from gateway.outcomes import Delivery
from gateway.store import outbox, proofs, registrations
from gateway.store.outbox import OwedTo

__all__ = ["AcceptedSignUp", "accept"]


@frozen
class AcceptedSignUp:
    """`registration_id` of a sign-up, and what it came to. `owed` to its customer; `answered`:
    whether a caller is told of the success.
    """

    registration_id: str
    owed: OwedTo
    shopify_action: str
    warnings: Sequence[dict[str, str]]
    answered: bool


def accept(db: sqlite3.Connection, accepted: Sequence[AcceptedSignUp]) -> list[list[Delivery]]:
    """Writes the deliveries of each, and deletes the intents for good.

    Earlier ones of the same e-mail whose result was unknown end in these. So do those of which
    nobody was told, and whose customer has this one's data now: sent again they are a 409. Two of
    one customer are taken one after the other, since the later finds the earlier.
    """
    if len({one.owed.customer_id for one in accepted}) < len(accepted):
        return [deliveries for one in accepted for deliveries in accept(db, [one])]
    rows = {row["id"]: row for row in _update(db, accepted)}
    found = [(one, rows[one.registration_id]) for one in accepted if one.registration_id in rows]
    for one, row in found:
        if row["has_earlier"]:
            _supersede(db, one.registration_id, one.owed.now)
    verified = [(one.owed.customer_id, row) for one, row in found if row["email_verified"]]
    if verified:
        proofs.keep(db, [(customer_id, row["email_hash"]) for customer_id, row in verified])
    unproven = [customer_id for customer_id, row in verified if row["has_unproven"]]
    if unproven:
        proofs.release(db, unproven)
    db.execute(_delete_sql(len(accepted)), [one.registration_id for one in accepted])
    new = {one.registration_id for one, row in found if not row["has_open"]}
    return _written(db, accepted, new)


def _written(
    db: sqlite3.Connection, accepted: Sequence[AcceptedSignUp], new: Collection[str]
) -> list[list[Delivery]]:
    """`new`: those to whose customer nothing is owed yet."""
    opened = iter(outbox.open_all(db, [a.owed for a in accepted if a.registration_id in new]))
    return [next(opened) if a.registration_id in new else _added(db, a.owed) for a in accepted]


def _added(db: sqlite3.Connection, owed: OwedTo) -> list[Delivery]:
    with on_behalf_of(owed.request_id):
        return outbox.add(db, owed.customer_id, owed.registration_id, owed.deliveries, owed.now)


_EARLIER = """earlier.id <> registrations.id AND earlier.email_hash = registrations.email_hash
              AND (earlier.state = 'unclear'
                   OR (earlier.state = 'accepted' AND earlier.answered = 0
                       AND earlier.customer_id = registrations.customer_id))"""


def _update(db: sqlite3.Connection, accepted: Sequence[AcceptedSignUp]) -> list[sqlite3.Row]:
    """Tells of each also what hardly any sign-up finds, so that nothing is asked for it."""
    return db.execute(
        _update_sql(len(accepted)),
        [
            value
            for one in accepted
            for value in (
                one.registration_id,
                one.owed.customer_id,
                one.shopify_action,
                orjson.dumps(one.warnings).decode(),
                int(one.answered),
                one.owed.now,
            )
        ],
    ).fetchall()


@lru_cache(maxsize=64)
def _update_sql(rows: int) -> str:
    return f"""WITH e (id, customer_id, action, warnings, answered, now)
                       AS (VALUES {outbox.values(6, rows)})
        UPDATE registrations SET state = 'accepted', customer_id = e.customer_id,
               shopify_action = e.action, warnings = e.warnings, answered = e.answered,
               updated_at = e.now, claimed = 0, problem = NULL
        FROM e WHERE registrations.id = e.id
        RETURNING registrations.id, email_hash, email_verified,
            EXISTS (SELECT 1 FROM registrations AS earlier WHERE {_EARLIER}) AS has_earlier,
            EXISTS (SELECT 1 FROM deliveries WHERE customer_id = registrations.customer_id
                                                   AND {outbox.IS_OPEN}) AS has_open,
            EXISTS (SELECT 1 FROM links WHERE customer_id = registrations.customer_id
                                              AND unproven IS NOT NULL) AS has_unproven"""  # noqa: S608


@lru_cache(maxsize=64)
def _delete_sql(rows: int) -> str:
    return f"DELETE FROM intents WHERE registration_id IN ({', '.join('?' * rows)})"  # noqa: S608


def _supersede(db: sqlite3.Connection, registration_id: str, now: float) -> None:
    sql = f"""SELECT earlier.id, earlier.state
              FROM registrations JOIN registrations AS earlier ON {_EARLIER}
              WHERE registrations.id = ?"""  # noqa: S608
    for row in db.execute(sql, (registration_id,)).fetchall():
        if row["state"] == "unclear":
            registrations.close(db, row["id"], now)
        else:
            registrations.forget_person(db, row["id"], None)
