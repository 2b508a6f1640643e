"""What may have been done since the backup is not done again by itself."""

import sqlite3
from typing import Any

import pytest

from gateway.outcomes import Outcome
from gateway.store import Database, merges, rewinding
from gateway.store.merges import Merge
from tests.store.outbox import rows

NOW = 1_795_990_000.0
OPEN = [Outcome.PENDING, Outcome.RETRYING, Outcome.HELD, Outcome.FAILED]


async def rewound(db: Database) -> rewinding.Rewound:
    return await db.write(lambda connection: rewinding.rewind(connection, ["email"], NOW))


@pytest.mark.parametrize("outcome", OPEN)
async def test_a_mail_that_was_open_goes_only_where_a_person_names_it(
    db: Database, outcome: Outcome
) -> None:
    mail = await db.write(lambda c: rows.add(c, "email", outcome))
    contact = await db.write(lambda c: rows.add(c, "crm", outcome))
    assert await rewound(db) == rewinding.Rewound(mails=1, merges=0)
    mail = await db.read(lambda c: rows.row(c, mail))
    assert (mail.outcome, mail.error_class) == (Outcome.FAILED, "too_late")
    assert mail.next_attempt_at is None
    assert await db.read(lambda c: rows.row(c, contact)) == contact


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.SKIPPED])
async def test_a_mail_that_was_settled_stays_as_it_is(db: Database, outcome: Outcome) -> None:
    mail = await db.write(lambda c: rows.add(c, "email", outcome))
    assert (await rewound(db)).mails == 0
    assert await db.read(lambda c: rows.row(c, mail)) == mail


@pytest.mark.parametrize("step", ["taking", "taken", "giving", "given", "linking"])
async def test_a_merge_that_was_under_way_waits_for_a_person(db: Database, step: str) -> None:
    await db.write(lambda c: merges.write(c, Merge(1, 2, step, points=50)))
    await db.write(lambda c: merges.write(c, Merge(3, 4, "begun")))
    await db.write(lambda c: merges.write(c, Merge(5, 6, "done")))
    assert (await rewound(db)).merges == 1
    found = await db.read(lambda c: [merges.get(c, *pair) for pair in PAIRS])
    assert [each and (each.step, each.problem is None) for each in found] == [
        (step, False),
        None,
        ("done", True),
    ]


PAIRS = ((1, 2), (3, 4), (5, 6))


async def test_shopify_is_asked_what_became_of_sign_ups_that_waited(db: Database) -> None:
    def waiting(connection: sqlite3.Connection) -> Any:
        return connection.execute(
            """INSERT INTO registrations (id, state, email_hash, body_hash, created_at, updated_at)
               VALUES ('r1', 'waiting', x'01', x'02', 1, 1)"""
        ).rowcount

    await db.write(waiting)
    await rewound(db)
    doubt = "SELECT doubt FROM registrations"
    assert await db.read(lambda c: c.execute(doubt).fetchone()[0]) == 1
