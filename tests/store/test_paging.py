"""What touches many rows goes in pages: all of it, each row once, and none of it in one unit."""

import sqlite3
from collections.abc import Iterator

import pytest

from gateway.outcomes import Outcome
from gateway.store import (
    backfill,
    deferred,
    duplicates,
    events,
    idempotency,
    outbox,
    registrations,
    retention,
    takeover,
)
from gateway.store.outbox import FIRST
from gateway.store.paging import LOOKED, PAGE, every_page
from tests.delivery.test_kept_back import steps
from tests.store.many import DAY, MANY, NOW, counted, deferred_rows, deliveries, times, webhooks
from tests.store.memory import a_connection, at_once, units_of

TABLES = ("deliveries", "registrations", "events", "duplicates")


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = a_connection()
    yield connection
    connection.close()


# -- a new owner


def test_what_a_dead_owner_left_is_taken_over_in_pages(db: sqlite3.Connection) -> None:
    claimed = deliveries(db, "pending", claimed_version=1, attempts=1)
    later = deliveries(db, "pending", next_attempt_at=NOW + 60)
    kept = deliveries(db, "pending", kept_back=1)
    too_late = deliveries(db, "retrying", next_attempt_at=NOW + 9 * DAY)
    soon = deliveries(db, "retrying", 10, next_attempt_at=NOW + 60)
    deferred_rows(db, claimed=1)
    sizes: list[int] = []
    unclear, pending = at_once(takeover.take_over(counted(db, sizes), NOW + 2 * DAY, NOW))
    assert (unclear, pending) == (0, len(claimed + later + too_late))
    assert max(sizes) <= 4 * PAGE, "a row that is counted is written twice"
    due = times(db, "deliveries", "coalesce(next_attempt_at, 0)")
    assert {due[i] for i in claimed + kept} == {0.0}
    assert {due[i] for i in later + too_late} == {NOW}
    assert {due[i] for i in soon} == {NOW + 60}
    (left,) = db.execute("SELECT count(*) FROM deliveries WHERE claimed_version IS NOT NULL")
    assert tuple(left) == (0,)
    doubted = db.execute("SELECT count(*) FROM registrations WHERE claimed = 0 AND doubt = 1")
    assert tuple(doubted.fetchone()) == (MANY,)


def test_a_clock_that_was_set_back_meanwhile_puts_no_promise_off(db: sqlite3.Connection) -> None:
    deferred_rows(db)
    back = NOW - 40 * DAY
    while deferred.take_over(db, back):
        pass
    assert max(times(db, "registrations", "next_try_at").values()) == back + deferred.LONGEST_DELAY
    assert max(times(db, "registrations", "end_at").values()) == back + DAY


def test_keys_of_a_dead_owner_are_freed_in_pages(db: sqlite3.Connection) -> None:
    db.executemany(
        """INSERT INTO idempotency_keys (key, body_hash, status, created_at)
           VALUES (?, x'00', ?, 1.0)""",
        [(b"%08d" % n, None if n % 3 else 201) for n in range(2 * LOOKED + 100)],
    )
    page = idempotency.forget_unanswered_keys
    assert at_once(every_page(units_of(db), page, b"")) == 2 * (2 * LOOKED + 100) // 3
    assert db.execute("SELECT min(status) FROM idempotency_keys").fetchone()[0] == 201


def test_webhooks_that_failed_are_taken_up_in_pages(db: sqlite3.Connection) -> None:
    webhooks(db, "failed")
    pages = []
    while page := events.resume(db, NOW):
        pages.append(page)
    assert (max(pages), sum(pages)) == (PAGE, MANY)
    db.execute("UPDATE events SET next_attempt_at = ?", (NOW + 9 * DAY,))
    while events.bring_forward(db, NOW):
        pass
    assert {*times(db, "events", "next_attempt_at").values()} == {NOW}


# -- a clock that jumps


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_a_jump_moves_each_promise_once_and_none_that_came_since(
    db: sqlite3.Connection, seconds: float
) -> None:
    deferred_rows(db)
    before = times(db, "registrations", "end_at")
    new, shift = NOW + seconds, deferred.Shift.by(seconds, NOW + seconds)
    pages = 0
    left: deferred.Shift | None = shift
    while left is not None:
        left = deferred.shift(db, left)
        pages += 1
        if pages == 1 and seconds > 0:
            db.execute(
                """INSERT INTO registrations (id, state, email_hash, body_hash, created_at,
                                              updated_at, next_try_at, end_at)
                   VALUES ('new', 'waiting', x'01', x'00', ?1, ?1, ?1, ?1 + 86400.0)""",
                (new,),
            )
    after = times(db, "registrations", "end_at")
    assert pages >= 3
    assert after.pop("new", new + DAY) == new + DAY
    assert after == {i: at + seconds for i, at in before.items()}
    assert times(db, "registrations", "next_try_at")["r00007"] == NOW + 7 + seconds


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_a_jump_moves_each_webhook_once_and_none_that_was_put_off_since(
    db: sqlite3.Connection, seconds: float
) -> None:
    webhooks(db, "waiting")
    if seconds > 0:
        new = NOW + seconds
        events.later(db, ["shopify:5"], new + 60, new, None, counted=False)
    before = times(db, "events", "next_attempt_at")
    below: int | None = 2**62
    while below is not None:
        cut = NOW + seconds / 2 if seconds > 0 else float("inf")
        below = outbox.shift_events(db, seconds, below, cut)
    after = times(db, "events", "next_attempt_at")
    stays = {"shopify:5"} if seconds > 0 else set()
    assert after == {i: at + (0 if i in stays else seconds) for i, at in before.items()}


# -- retention


def test_old_rows_go_in_pages_however_many_open_ones_are_as_old(db: sqlite3.Connection) -> None:
    deliveries(db, "failed", LOOKED + 10)
    deliveries(db, "delivered")
    deliveries(db, "delivered", 5, updated_at=NOW + 2 * DAY)
    webhooks(db, "done")
    later = NOW + 30 * DAY
    sizes: list[int] = []
    gone = at_once(retention.expire(counted(db, sizes), NOW + DAY, later))
    assert gone == 2 * MANY
    assert max(sizes) <= 3 * PAGE
    outcomes = db.execute("SELECT outcome, count(*) FROM deliveries GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in outcomes] == [("delivered", 5), ("failed", LOOKED + 10)]


# -- how SQLite goes about it


def test_no_statement_looks_at_all_that_waits(db: sqlite3.Connection) -> None:
    deliveries(db, "failed")
    deferred_rows(db)
    webhooks(db, "waiting")
    plans = steps(db)
    at_once(takeover.take_over(units_of(db), NOW, NOW))
    deferred.shift(db, deferred.Shift.by(60.0, NOW))
    deferred.end_overdue(db, {}, NOW)
    deferred.end_overdue(db, {}, NOW, "r00001")
    deferred.orphans(db, NOW)
    deferred.claim(db, NOW, 5)
    deferred.bring_forward(db, NOW)
    events.due(db, "shopify", NOW, 10)
    events.resume(db, NOW)
    events.bring_forward(db, NOW)
    outbox.shift_events(db, 60.0, 2**62, NOW)
    backfill.give_back(db, "crm", NOW)
    registrations.unsettled_page(db, "open", "r")
    duplicates.find(db, limit=50)
    backfill.leftovers(db, "crm", FIRST, 50, NOW)
    at_once(retention.expire(units_of(db), NOW, NOW))
    db.set_trace_callback(None)
    assert plans
    assert any(step.endswith("duplicates_open") for step in plans)
    fine = ("registrations_claimed", "registrations_unsettled", "events_failed", "duplicates_open")
    scans = [step for step in plans if step.startswith("SCAN") and not step.endswith(fine)]
    assert [s for s in scans if any(t in s for t in TABLES)] == []


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_new_owner_changes_no_outcome(db: sqlite3.Connection, outcome: Outcome) -> None:
    (row,) = deliveries(db, outcome, 1)
    outbox.recover(db, FIRST, NOW + DAY, NOW)
    found = db.execute("SELECT outcome FROM deliveries WHERE id = ?", (row,)).fetchone()
    assert found[0] == outcome
