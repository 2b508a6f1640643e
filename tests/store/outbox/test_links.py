"""What the end of an attempt says of links."""

import sqlite3
from typing import Any

import pytest

from gateway.outcomes import Kind, Match, Outcome
from gateway.store import links, outbox
from gateway.store.outbox import AttemptResult
from tests.store.outbox.rows import HANAKO, TARO, _link, add, settle


def link_of(db: sqlite3.Connection, channel: str = "crm", customer: int = TARO) -> Any:
    return links.get(db, channel, customer)


def test_a_record_that_was_made_is_linked_with_all_that_is_known_of_it(
    db: sqlite3.Connection,
) -> None:
    first, second = add(db, claimed=True), add(db, "pos", claimed=True)
    ends = [
        AttemptResult(
            first.id,
            Outcome.DELIVERED,
            started_at=1.0,
            reference="77",
            member_number="900",
            old_number="12",
            old_place="note",
            fingerprints={"name": "s0"},
            unproven=b"hash",
        ),
        AttemptResult(second.id, Outcome.DELIVERED, started_at=1.0, reference="78"),
    ]
    outbox.settle(db, ends, 200.0)
    link = link_of(db)
    assert (link.reference, link.member_number, link.fingerprints) == ("77", "900", {"name": "s0"})
    assert (link.old_number, link.old_place, link.unproven) == ("12", "note", b"hash")
    assert (link_of(db, "pos").reference, link_of(db, "pos").fingerprints) == ("78", None)
    times = db.execute("SELECT created_at, updated_at FROM links WHERE channel = 'crm'").fetchone()
    assert tuple(times) == (200.0, 200.0)


def test_a_link_whose_proof_is_there_is_released_at_once(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO proofs VALUES (?, ?, 0)", (TARO, b"hash"))
    settle(db, add(db, claimed=True), Outcome.DELIVERED, reference="77", unproven=b"hash")
    assert link_of(db).unproven is None


@pytest.mark.parametrize(
    ("reference", "kept"),
    [("77", ("900", "12", "note", b"old")), ("78", ("900", None, None, None))],
)
def test_a_link_that_is_made_again_keeps_what_is_of_the_same_record(
    db: sqlite3.Connection, reference: str, kept: tuple[object, ...]
) -> None:
    _link(
        db,
        "crm",
        TARO,
        reference="77",
        member_number="900",
        old_number="12",
        old_place="note",
        unproven=b"old",
        fingerprints='{"name": "b0"}',
    )
    settle(db, add(db, claimed=True), Outcome.DELIVERED, reference=reference)
    link = link_of(db)
    assert (link.reference, link.fingerprints) == (reference, {"name": "b0"})
    assert (link.member_number, link.old_number, link.old_place, link.unproven) == kept


def test_a_link_that_was_there_is_refreshed_and_one_that_has_gone_stays_gone(
    db: sqlite3.Connection,
) -> None:
    _link(db, "crm", TARO, reference="77")
    settle(
        db,
        add(db, claimed=True),
        Outcome.DELIVERED,
        reference="77",
        was_linked=True,
        member_number="900",
        old_number="12",
        old_place="note",
        fingerprints={"name": "s0"},
    )
    link = link_of(db)
    assert (link.member_number, link.fingerprints) == ("900", {"name": "s0"})
    assert (link.old_number, link.old_place) == ("12", "note")
    settle(db, add(db, "pos", claimed=True), Outcome.DELIVERED, reference="78", was_linked=True)
    assert link_of(db, "pos") is None


@pytest.mark.parametrize(
    ("outcome", "fields", "linked"),
    [
        (Outcome.DELIVERED, None, True),
        (Outcome.HELD, {}, True),
        (Outcome.RETRYING, None, False),
        (Outcome.DRY_RUN, None, False),
    ],
)
def test_only_a_record_of_which_something_is_known_is_linked(
    db: sqlite3.Connection, outcome: Outcome, fields: dict[str, str] | None, linked: bool
) -> None:
    settle(db, add(db, claimed=True), outcome, reference="77", fingerprints=fields)
    assert (link_of(db) is not None) is linked
    settle(db, add(db, "pos", claimed=True), Outcome.DELIVERED)
    assert link_of(db, "pos") is None, "without a reference there is nothing to link"


def test_a_removal_takes_its_own_link_and_no_other(db: sqlite3.Connection) -> None:
    _link(db, "crm", TARO, reference="77")
    _link(db, "pos", TARO, reference="80")
    removal = add(db, kind=Kind.REMOVAL, claimed=True)
    settle(db, removal, Outcome.DELIVERED, reference="77", match=Match())
    assert link_of(db) is None
    other = add(db, "pos", kind=Kind.REMOVAL, claimed=True)
    settle(db, other, Outcome.DELIVERED, reference="81")
    assert link_of(db, "pos").reference == "80"


def test_one_record_is_one_customers(db: sqlite3.Connection) -> None:
    _link(db, "crm", HANAKO, reference="77")
    good = add(db, "pos", claimed=True)
    first = add(db, claimed=True)
    ends = [
        AttemptResult(good.id, Outcome.DELIVERED, started_at=1.0, reference="77"),
        AttemptResult(
            first.id,
            Outcome.DELIVERED,
            started_at=150.0,
            duration=0.5,
            reference="77",
            content_hash="hash",
            action="linked",
        ),
    ]
    settled = outbox.settle(db, ends, 200.0)
    found = settled[first.id]
    assert (found.outcome, found.error_class, found.content_hash) == ("failed", "conflict", "hash")
    assert found.message == f"another customer ({HANAKO}) is linked to record 77"
    assert (found.reference, found.action) == (None, None)
    (attempt,) = outbox.attempts_of(db, first.id)
    assert (attempt["started_at"], attempt["duration"], attempt["outcome"]) == (
        150.0,
        0.5,
        "failed",
    )
    assert settled[good.id].outcome is Outcome.DELIVERED, "of another channel"
    assert link_of(db, "crm", HANAKO).reference == "77"
    assert link_of(db) is None


def test_a_record_of_one_who_is_gone_goes_to_who_took_it_over(db: sqlite3.Connection) -> None:
    _link(db, "crm", HANAKO, reference="77")
    _link(db, "crm", 5, reference="79")
    settle(db, add(db, claimed=True), Outcome.DELIVERED, reference="77", instead_of=HANAKO)
    assert (link_of(db).reference, link_of(db, "crm", HANAKO)) == ("77", None)
    found = settle(
        db, add(db, customer=6, claimed=True), Outcome.DELIVERED, reference="79", instead_of=HANAKO
    )
    assert found.outcome is Outcome.FAILED, "it is not that customer's"


@pytest.mark.parametrize(
    ("more", "kind"), [({"was_linked": True}, Kind.UPDATE), ({}, Kind.REMOVAL)]
)
def test_neither_a_removal_nor_a_known_link_is_a_conflict(
    db: sqlite3.Connection, more: dict[str, bool], kind: Kind
) -> None:
    _link(db, "crm", HANAKO, reference="77")
    found = settle(db, add(db, kind=kind, claimed=True), Outcome.DELIVERED, reference="77", **more)
    assert found.outcome is Outcome.DELIVERED
    assert link_of(db, "crm", HANAKO).reference == "77"


def test_how_a_member_was_found_is_kept_for_the_list_of_duplicates(db: sqlite3.Connection) -> None:
    settle(
        db,
        add(db, "pos", claimed=True),
        Outcome.DELIVERED,
        reference="77",
        match=Match((78,)),
    )
    settle(db, add(db, claimed=True), Outcome.DELIVERED, reference="90")
    found = db.execute("SELECT member_id, customer_id FROM duplicate_queue").fetchall()
    assert [tuple(each) for each in found] == [(77, TARO)]
