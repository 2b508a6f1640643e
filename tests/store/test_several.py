"""Sign-ups that are written together end as if each had been written by itself."""

import random
import sqlite3
from collections.abc import Iterator, Sequence

import pytest

from gateway.outcomes import Kind, NewDelivery, Outcome
from gateway.store import acceptance, admission, registrations
from gateway.store.acceptance import AcceptedSignUp
from gateway.store.admission import AdmissionRequest, Begun, Bounds, OlderHashes
from tests.store.accepting import accepted
from tests.store.memory import a_connection

NOW = 1_000_000.0
_CHANNELS = ("smaregi", "crm", "email")
_HELD = (
    "SELECT * FROM registrations ORDER BY id",
    "SELECT * FROM intents ORDER BY registration_id",
    "SELECT * FROM idempotency_keys ORDER BY key",
    "SELECT * FROM proofs ORDER BY customer_id",
    """SELECT registration_id, customer_id, channel, kind, outcome, version, attempts,
              claimed_version, created_at, updated_at, request_id
       FROM deliveries ORDER BY customer_id, channel""",
    "SELECT * FROM tally ORDER BY kind, part",
)


@pytest.fixture
def two() -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    together, apart = a_connection(), a_connection()
    yield together, apart
    together.close()
    apart.close()


def held(db: sqlite3.Connection) -> list[list[tuple[object, ...]]]:
    return [[tuple(row) for row in db.execute(sql)] for sql in _HELD]


def some_request(chance: random.Random, number: int) -> AdmissionRequest:
    """Of few people, so that nearly each batch has the same one twice."""
    person, body = b"%d" % chance.randrange(6), chance.choice((b"a", b"b"))
    older = OlderHashes(b"old" + person, b"old" + body, None, b"")
    return AdmissionRequest(
        f"r{number:03}",
        person,
        body,
        email_verified=chance.random() < 0.5,
        sealed=b"sealed",
        key=chance.choice((None, None, None, b"k%d" % chance.randrange(9))),
        key_hash=body,
        later=chance.random() < 0.2,
        before=(older,) if chance.random() < 0.1 else (),
        asked_by=f"req-{number}",
    )


def begun_by_each(
    db: sqlite3.Connection, asked: Sequence[tuple[AdmissionRequest, float, Bounds]]
) -> list[Begun]:
    return [admission.begin(db, *each) for each in asked]


def some_accepted(db: sqlite3.Connection, chance: random.Random) -> list[AcceptedSignUp]:
    rows = db.execute("SELECT id FROM registrations WHERE state IN ('open', 'waiting') ORDER BY id")
    return [
        accepted(
            row[0],
            chance.randrange(8),
            NOW + 5,
            [
                NewDelivery(channel, Kind.REGISTRATION, Outcome.PENDING, chance.random() < 0.5)
                for channel in _CHANNELS[: chance.randrange(4)]
            ],
            answered=chance.random() < 0.7,
        )
        for row in rows.fetchall()
        if chance.random() < 0.7
    ]


@pytest.mark.parametrize("seed", range(20))
def test_it_makes_no_difference_to_any_of_them(
    two: tuple[sqlite3.Connection, sqlite3.Connection], seed: int
) -> None:
    together, apart = two
    chance, number = random.Random(seed), iter(range(1000))
    for batch in range(8):
        asked = [
            (some_request(chance, next(number)), NOW + 10 * batch + each, Bounds())
            for each in range(chance.randrange(1, 6))
        ]
        assert admission.begin_all(together, asked) == begun_by_each(apart, asked)
        some = some_accepted(together, chance)
        written = acceptance.accept(together, some) if some else []
        by_each = [acceptance.accept(apart, [one])[0] for one in some]
        assert [[d.channel for d in each] for each in written] == [
            [d.channel for d in each] for each in by_each
        ]
        assert held(together) == held(apart)


def test_each_delivery_is_told_by_the_id_that_it_has(
    two: tuple[sqlite3.Connection, sqlite3.Connection],
) -> None:
    db, _ = two
    owed = [NewDelivery(name, Kind.REGISTRATION, Outcome.PENDING) for name in _CHANNELS]
    for name in ("a", "b", "c"):
        admission.begin(db, AdmissionRequest(name, name.encode(), b"", False, b""), NOW)
    acceptance.accept(db, [accepted("b", 8, NOW, owed[:1])])
    written = acceptance.accept(db, [accepted(n, i, NOW, owed) for n, i in (("a", 7), ("b", 8))])
    for each in written:
        for delivery in each:
            row = db.execute(
                "SELECT customer_id, channel, version, request_id FROM deliveries WHERE id = ?",
                (delivery.id,),
            ).fetchone()
            assert tuple(row) == (
                delivery.customer_id, delivery.channel, delivery.version, delivery.request_id
            )  # fmt: skip
    assert [d.version for d in written[1]] == [2, 1, 1]


def test_people_of_whom_nothing_is_known_begin_in_two_statements(
    two: tuple[sqlite3.Connection, sqlite3.Connection],
) -> None:
    db, _ = two
    seen = dict[str, None]()  # a trigger's statement is traced as its table's
    db.set_trace_callback(lambda sql: seen.setdefault(" ".join(sql.split()[:3])))
    asked = [
        (AdmissionRequest(f"{n}", b"%d" % n, b"", False, b"sealed"), NOW, Bounds())
        for n in range(5)
    ]
    assert [begun.verdict for begun in admission.begin_all(db, asked)] == ["new"] * 5
    assert [*seen] == ["INSERT INTO registrations", "INSERT INTO intents"]
    db.set_trace_callback(None)
    assert [registrations.sealed_intent(db, f"{n}") for n in range(5)] == [b"sealed"] * 5
