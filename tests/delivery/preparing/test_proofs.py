"""What a proven e-mail sets going."""

import sqlite3

import pytest

from flags import Mode
from gateway.outcomes import Outcome
from gateway.store import links, outbox
from tests.delivery.heart import HANAKO, TARO, Heart, a_customer


def hashes(heart: Heart, customer: int = TARO) -> tuple[bytes, ...]:
    return heart.delivery.preparation.emails(a_customer(customer))


def unproven(heart: Heart, customer: int = TARO) -> object:
    link = links.get(heart.db.connection, "smaregi", customer)
    assert link is not None
    return link.unproven


def owed_to(heart: Heart, customer: int = TARO) -> list[tuple[str, str, str]]:
    found = outbox.open_of(heart.db.connection, [customer]).values()
    return [(d.channel, str(d.kind), str(d.outcome)) for d in found]


@pytest.mark.parametrize(
    ("mode", "owed"),
    [
        (Mode.ON, [("smaregi", "update", "pending")]),
        (Mode.HOLD, [("smaregi", "update", "held")]),
        (Mode.OFF, []),
        (Mode.DRY_RUN, []),
    ],
)
async def test_a_proof_releases_the_link_and_owes_it_what_it_kept_off(
    heart: Heart, mode: Mode, owed: list[tuple[str, str, str]]
) -> None:
    heart.modes["updates"] = mode
    heart.link(unproven=hashes(heart)[0])
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    assert unproven(heart) is None
    assert owed_to(heart) == owed
    assert heart.woken == ["smaregi"]
    rows = heart.db.connection.execute("SELECT * FROM deliveries").fetchall()
    assert [row["created_at"] for row in rows] == [heart.clock.now] * len(owed)
    assert [row["registration_id"] for row in rows] == [None] * len(owed)


async def test_the_percentage_does_not_keep_a_released_link_waiting(heart: Heart) -> None:
    heart.percent["smaregi"] = 0.0
    heart.link(unproven=hashes(heart)[0])
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    assert owed_to(heart) == [("smaregi", "update", "pending")]


async def test_a_released_link_outside_the_percentage_of_changes_is_held(heart: Heart) -> None:
    heart.percent["updates"] = 50.0
    updates = heart.flags()["updates"]
    for customer in range(1, 11):
        heart.link("smaregi", customer, unproven=hashes(heart, customer)[0])
        await heart.delivery.proofs.prove(customer, hashes(heart, customer))
        inside = updates.decide(customer).mode is Mode.ON
        assert owed_to(heart, customer) == [("smaregi", "update", "pending" if inside else "held")]


async def test_a_proof_brings_a_conflict_at_the_pos_forward(heart: Heart) -> None:
    conflict = heart.change(heart.owed(), outcome="failed", error_class="conflict", attempts=4)
    other = heart.change(heart.owed("crm"), outcome="failed", error_class="conflict", attempts=4)
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    row = heart.row(conflict)
    assert (row.outcome, row.attempts, row.version) == (Outcome.PENDING, 0, 2)
    assert row.next_attempt_at == heart.clock.now
    assert heart.row(other) == other


async def test_what_was_proven_before_is_no_news(heart: Heart) -> None:
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    writes = heart.db.writes
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    assert (heart.db.writes, heart.woken) == (writes, ["smaregi"])


async def test_a_first_sign_in_proves_the_e_mail_of_that_day_and_no_later_one(
    heart: Heart,
) -> None:
    await heart.delivery.proofs.signed_in(a_customer())
    proof = "SELECT email_hash, signed_in FROM proofs WHERE customer_id = ?"

    def kept() -> tuple[object, ...]:
        row: sqlite3.Row = heart.db.connection.execute(proof, (TARO,)).fetchone()
        return tuple(row)

    assert kept() == (hashes(heart)[0], 1)
    await heart.delivery.proofs.signed_in(a_customer(email="other@example.com"))
    assert kept() == (hashes(heart)[0], 1)
    await heart.delivery.proofs.prove(TARO, heart.keys.emails("third@example.com"))
    assert kept() == (heart.keys.email("third@example.com"), 1)
    await heart.delivery.proofs.prove(HANAKO, hashes(heart, HANAKO))
    row = heart.db.connection.execute(proof, (HANAKO,)).fetchone()
    assert row["signed_in"] == 0


async def test_what_waits_for_a_proof_that_is_there_is_released(heart: Heart) -> None:
    heart.link()
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    heart.woken.clear()
    await heart.delivery.proofs.release(TARO)
    assert (heart.woken, owed_to(heart)) == ([], [])
    heart.change_link(unproven=hashes(heart)[0])
    await heart.delivery.proofs.release(TARO)
    assert (heart.woken, unproven(heart)) == (["smaregi"], None)
    assert owed_to(heart) == [("smaregi", "update", "pending")]


async def test_a_person_says_that_a_linked_record_is_theirs(heart: Heart) -> None:
    heart.link(unproven=b"hash")
    assert not await heart.delivery.proofs.trust(TARO, "another")
    assert (unproven(heart), owed_to(heart)) == (b"hash", [])
    assert await heart.delivery.proofs.trust(TARO, f"smaregi-{TARO}")
    assert (unproven(heart), owed_to(heart)) == (None, [("smaregi", "update", "pending")])
    assert heart.woken == ["smaregi", "smaregi"], "whatever waited is looked at"
