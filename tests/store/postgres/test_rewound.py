"""A database that knows less than was committed to it: noticed, and marked. It is a real one."""

import json
from typing import Any

import psycopg
import pytest

from gateway.store import members, outbox, rewinding
from gateway.store.postgres import Postgres, origin
from gateway.store.postgres.errors import WentBackError
from tests.store.postgres.sign_ups import opened
from tests.store.postgres.steps import found_at_a_start, note, noted


def put_back(url: str, statement: str) -> None:
    """As the promotion of a replica leaves it that was behind."""
    with psycopg.connect(url, autocommit=True) as another:
        another.execute(statement.encode())


async def test_a_lane_that_went_back_is_noticed_by_its_next_transaction(
    url: str, postgres: Postgres
) -> None:
    for _ in range(3):
        await postgres.write(note("mine"), (1,))
    put_back(url, "UPDATE lanes SET seq = 1 WHERE seq > 1")
    for _ in range(2):
        with pytest.raises(WentBackError, match="went back"):
            await postgres.write(note("more", "never"), (1,))
    assert await found_at_a_start(url) == rewinding.LOST


async def test_any_new_connection_notices_what_another_lane_has_lost(
    url: str, postgres: Postgres
) -> None:
    for _ in range(3):
        await postgres.write(note("mine"), (1,))
    put_back(url, "UPDATE lanes SET seq = 1 WHERE seq > 1")
    for lane in postgres._lanes:
        lane.close()
    with pytest.raises(WentBackError):
        await postgres.read(noted("mine"))


async def test_a_new_connection_to_what_knows_everything_goes_on(
    url: str, postgres: Postgres
) -> None:
    await postgres.note_origin()
    await postgres.write(note("mine"))
    for lane in postgres._lanes:
        lane.close()
    await postgres.write(note("more"))
    assert await found_at_a_start(url) is None


def changed(**fields: Any) -> Any:
    def unit(db: Any) -> None:
        found = json.loads(members.get_meta(db, "database_origin") or "")
        members.set_meta(db, "database_origin", json.dumps({**found, **fields}))

    return unit


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ({}, None),
        ({"relation": "1"}, "dump"),
        ({"system": "1"}, "dump"),
        ({"timeline": "00000000"}, "promoted"),
        ({"timeline": "00000000", "synchronous": True}, None),
        ({"system": "1", "synchronous": True}, "dump"),
    ],
)
async def test_a_start_finds_the_marks_of_what_put_a_database_back(
    url: str, postgres: Postgres, before: dict[str, Any], said: str | None
) -> None:
    assert await postgres.put_back() is None, "a new one was never anything else"
    await postgres.note_origin()
    await postgres.write(changed(**before))
    found = await found_at_a_start(url)
    assert found is None if said is None else said in (found or "")


async def test_what_was_lost_stays_said_until_it_is_marked(url: str, postgres: Postgres) -> None:
    await postgres.write(lambda db: origin.note(db, rewinding.LOST))
    await postgres.note_origin()
    assert await found_at_a_start(url) == rewinding.LOST
    await postgres.write(lambda db: outbox.add(db, 7, None, opened("email"), 1.0))
    assert await postgres.rewind(["email"], 2.0) == rewinding.Rewound(mails=1, merges=0)
    assert await postgres.read(rewinding.rewound_at) == 2.0
    assert await found_at_a_start(url) is None


async def test_ids_that_may_have_been_given_since_are_given_to_nobody(postgres: Postgres) -> None:
    def added(db: Any) -> int:
        outbox.add(db, 7, None, opened("email"), 1.0)
        number: int = db.execute("SELECT max(id) FROM deliveries").fetchone()[0]
        return number

    first = await postgres.write(added)
    await postgres.rewind([], 2.0)
    await postgres.write(lambda db: outbox.discard(db, first, "", 3.0))
    assert await postgres.write(added) > first + rewinding.IDS
