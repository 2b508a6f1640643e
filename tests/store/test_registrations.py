"""Who may begin: `arrivals.begin` as a decision table."""

import sqlite3
from collections.abc import Iterator

import pytest

from gateway.outcomes import Kind, NewDelivery, Outcome
from gateway.store import admission, idempotency, links, outbox, registrations, retention, tally
from gateway.store.admission import AdmissionRequest, Begun
from gateway.store.registrations import DAY
from tests.store.accepting import is_accepted
from tests.store.memory import a_connection, at_once, units_of

NOW = 1_000_000.0
EMAIL, BODY, OTHER = b"email", b"body", b"other body"


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = a_connection()
    yield connection
    connection.close()


def request(
    name: str,
    body: bytes = BODY,
    key: bytes | None = None,
    email: bytes = EMAIL,
    *,
    later: bool = False,
) -> AdmissionRequest:
    return AdmissionRequest(
        name,
        email,
        body,
        email_verified=True,
        sealed=b"sealed",
        key=key,
        key_hash=b"all " + body,
        later=later,
    )


def asked(db: sqlite3.Connection, ask: AdmissionRequest, now: float = NOW) -> Begun:
    return admission.begin(db, ask, now)


def put(db: sqlite3.Connection, state: str, *, body: bytes = BODY, age: float = 0.0) -> None:
    """A registration `first` that came `age` seconds ago and is now in `state`."""
    at = NOW - age
    admission.begin(db, request("first", body), at)
    if state == "unclear":
        registrations.mark_unclear(db, "first", at)
    if state == "accepted":
        owed = [NewDelivery("crm", Kind.REGISTRATION, Outcome.PENDING)]
        is_accepted(db, "first", 7000000000001, at, owed)
    if state == "dropped":
        registrations.drop(db, "first")


@pytest.mark.parametrize(
    ("state", "same_data", "age", "verdict", "identity"),
    [
        ("open", True, 1, "join", "first"),
        ("open", False, 1, "busy", "first"),
        ("unclear", True, 1, "resume", "first"),
        ("unclear", True, 3 * DAY, "resume", "first"),
        ("unclear", False, 1, "new", "second"),
        ("accepted", True, 1, "join", "first"),
        ("accepted", True, DAY - 1, "join", "first"),
        ("accepted", True, DAY + 1, "new", "second"),
        ("accepted", False, 1, "new", "second"),
        ("dropped", True, 1, "new", "second"),
        ("dropped", False, 1, "new", "second"),
    ],
)
def test_the_same_person_again(
    db: sqlite3.Connection, state: str, same_data: bool, age: float, verdict: str, identity: str
) -> None:
    put(db, state, age=age)
    begun = asked(db, request("second", BODY if same_data else OTHER))
    assert (begun.verdict, begun.id) == (verdict, identity)
    kept = registrations.sealed_intent(db, "second")
    assert (kept is not None) is (verdict == "new")


def test_somebody_else_is_nobodys_business(db: sqlite3.Connection) -> None:
    put(db, "open")
    assert asked(db, request("second", email=b"another")).verdict == "new"


def test_a_mended_typo_after_a_503_goes_before_the_older_data(db: sqlite3.Connection) -> None:
    put(db, "unclear", age=10)
    assert asked(db, request("second", OTHER), NOW - 5).verdict == "new"
    registrations.mark_unclear(db, "second", NOW - 4)
    again = asked(db, request("third", OTHER))
    assert (again.verdict, again.id) == ("resume", "second")


def test_older_data_sent_again_after_a_mended_typo_is_the_newest(db: sqlite3.Connection) -> None:
    put(db, "unclear", age=10)
    asked(db, request("second", OTHER), NOW - 5)
    registrations.mark_unclear(db, "second", NOW - 4)
    assert asked(db, request("third", BODY)).verdict == "new"


def test_what_stayed_unclear_ends_in_the_one_that_was_accepted(db: sqlite3.Connection) -> None:
    put(db, "unclear", age=10)
    asked(db, request("second", OTHER))
    is_accepted(db, "second", 7000000000001, NOW)
    assert registrations.get(db, "first") is None
    assert tally.read(db).intents == 0


def test_what_a_webhook_did_before_the_sign_up_was_accepted_is_gone_on_with(
    db: sqlite3.Connection,
) -> None:
    """It opened a delivery, and linked a member whose e-mail the sign-up proves."""
    customer, owed = 7000000000001, [NewDelivery("crm", Kind.REGISTRATION, Outcome.PENDING)]
    (open_one,) = outbox.add(db, customer, None, owed, NOW - 1)
    db.execute(
        """INSERT INTO links (channel, customer_id, reference, created_at, updated_at, unproven)
           VALUES ('smaregi', ?, '1024', ?, ?, ?)""",
        (customer, NOW, NOW, EMAIL),
    )
    asked(db, request("first"))
    (raised,) = is_accepted(db, "first", customer, NOW, owed)
    assert (raised.id, raised.version) == (open_one.id, 2)
    assert not links.is_withheld(db, "smaregi", customer)


def test_resuming_makes_the_registration_open_again(db: sqlite3.Connection) -> None:
    put(db, "unclear")
    asked(db, request("second"))
    assert asked(db, request("third")).verdict == "join"


@pytest.mark.parametrize(
    ("answered", "body", "age", "verdict"),
    [
        (None, BODY, 1, "key_busy"),
        (None, OTHER, 1, "key_mismatch"),
        (201, BODY, 1, "key_replay"),
        (201, OTHER, 1, "key_mismatch"),
        (409, BODY, 1, "key_replay"),
        (201, BODY, DAY + 1, "new"),
        (201, OTHER, DAY + 1, "new"),
    ],
)
def test_an_idempotency_key_again(
    db: sqlite3.Connection, answered: int | None, body: bytes, age: float, verdict: str
) -> None:
    asked(db, request("first", key=b"key"), NOW - age)
    if answered is not None:
        idempotency.remember(db, b"key", answered, b"the answer", NOW - age)
        registrations.drop(db, "first")
    begun = asked(db, request("second", body, key=b"key"))
    assert begun.verdict == verdict
    if verdict == "key_replay":
        assert (begun.status, begun.answer) == (answered, b"the answer")


def test_a_503_frees_the_key(db: sqlite3.Connection) -> None:
    asked(db, request("first", key=b"key"))
    idempotency.free_key(db, b"key")
    registrations.drop(db, "first")
    assert asked(db, request("second", key=b"key")).verdict == "new"


def test_an_answer_that_was_given_is_not_freed(db: sqlite3.Connection) -> None:
    asked(db, request("first", key=b"key"))
    idempotency.remember(db, b"key", 201, b"the answer", NOW)
    idempotency.free_key(db, b"key")
    assert asked(db, request("second", key=b"key")).verdict == "key_replay"


def test_a_busy_person_does_not_use_up_the_key(db: sqlite3.Connection) -> None:
    put(db, "open")
    assert asked(db, request("second", OTHER, key=b"key")).verdict == "busy"
    assert asked(db, request("third", OTHER, key=b"key")).verdict == "busy"


def test_a_dead_owners_keys_are_free_and_its_answers_are_kept(db: sqlite3.Connection) -> None:
    asked(db, request("first", key=b"dead"))
    asked(db, request("second", key=b"told", email=b"another"))
    idempotency.remember(db, b"told", 201, b"the answer", NOW)
    idempotency.forget_unanswered_keys(db, b"")
    registrations.drop(db, "first")
    assert asked(db, request("third", key=b"dead")).verdict == "new"
    assert asked(db, request("fourth", key=b"told")).verdict == "key_replay"


def test_the_intent_is_gone_in_the_commit_that_owes_the_deliveries(db: sqlite3.Connection) -> None:
    put(db, "open")
    owed = [NewDelivery(name, Kind.REGISTRATION, Outcome.PENDING) for name in ("smaregi", "crm")]
    written = is_accepted(db, "first", 7000000000001, NOW, owed)
    assert [d.channel for d in written] == ["smaregi", "crm"]
    assert registrations.sealed_intent(db, "first") is None
    assert tally.read(db).intents == 0
    assert registrations.unsettled(db) == []


@pytest.mark.parametrize(
    ("state", "answered", "age", "untold"),
    [
        ("open", False, 1, True),
        ("unclear", False, 1, True),
        ("accepted", False, 1, True),
        ("accepted", True, 1, False),
        ("accepted", False, DAY + 1, False),
    ],
)
def test_newer_data_replaces_only_what_nobody_was_told_of(
    db: sqlite3.Connection, state: str, answered: bool, age: float, untold: bool
) -> None:
    put(db, state, age=age)
    db.execute("UPDATE registrations SET answered = 0")
    if answered:
        registrations.mark_answered(db, "first")
    assert registrations.unanswered_ids(db, EMAIL, NOW) == ({"first"} if untold else set())
    assert registrations.unanswered_ids(db, b"another", NOW) == set()


def test_retention_forgets_answers_after_a_day_and_never_what_is_unsettled(
    db: sqlite3.Connection,
) -> None:
    asked(db, request("first", key=b"key"))
    idempotency.remember(db, b"key", 201, b"the answer", NOW)
    later = NOW + 100 * DAY
    at_once(retention.expire(units_of(db), later, later))
    assert [row.id for row in registrations.unsettled(db)] == ["first"]
    assert db.execute("SELECT count(*) FROM idempotency_keys").fetchone()[0] == 0


@pytest.mark.parametrize("told", [False, True])
def test_nobody_is_told_of_data_that_newer_data_may_just_replace(
    db: sqlite3.Connection, told: bool
) -> None:
    """Whose success somebody was told of stands: newer data does not take its place."""
    put(db, "accepted")
    db.execute("UPDATE registrations SET answered = ?", (told,))
    assert asked(db, request("second", OTHER)).verdict == "new"
    assert registrations.mark_answered(db, "first") is told
    registrations.drop(db, "second")
    assert registrations.mark_answered(db, "first")


@pytest.mark.parametrize("told", [False, True])
def test_nobody_is_told_of_data_that_newer_data_has_replaced(
    db: sqlite3.Connection, told: bool
) -> None:
    """Who sends the old data again is somebody new, and so registered already."""
    put(db, "accepted")
    db.execute("UPDATE registrations SET answered = ?, customer_id = 7", (told,))
    assert asked(db, request("second", OTHER)).verdict == "new"
    is_accepted(db, "second", 7, NOW, shopify_action="adopted")
    assert registrations.mark_answered(db, "first") is told
    assert asked(db, request("third")).verdict == "new"


def test_an_acceptance_proves_a_store_member_that_was_linked_before_it(
    db: sqlite3.Connection,
) -> None:
    """A webhook about the customer came before the answer to the sign-up that made them."""
    put(db, "open")
    db.execute(
        """INSERT INTO links (channel, customer_id, reference, created_at, updated_at, unproven)
           VALUES ('smaregi', 7000000000001, '9', 0, 0, ?)""",
        (EMAIL,),
    )
    is_accepted(db, "first", 7000000000001, NOW)
    link = links.get(db, "smaregi", 7000000000001)
    assert link is not None
    assert link.unproven is None
