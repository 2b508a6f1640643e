"""Recovery: what stayed unclear is asked for at Shopify until it is known, and never created."""

import asyncio
import logging
from itertools import pairwise

import pytest

from gateway.background import WOKEN, request_id
from gateway.registration.recovery import KEEP_ASKING
from tests.delivery.heart import TARO
from tests.registration.desk import PROFILE, Desk, down
from tests.registration.recovery.doubt import AGAIN, Moment, found, unclear

LONGEST_DELAY = 172_800.0
"""Two days: no schedule and no Retry-After is longer."""


async def test_what_a_dead_owner_left_half_way_is_made_plain(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    identity = await unclear(desk)
    desk.set(state="open", updated_at=1.0)
    db = desk.db.connection
    db.execute("INSERT INTO idempotency_keys VALUES (x'00', x'00', 'r', NULL, NULL, 1)")
    claimed = desk.owed("crm", claimed=True)
    late = desk.change(
        desk.owed("smaregi"),
        outcome="retrying",
        next_attempt_at=desk.clock.now + LONGEST_DELAY + 1,
    )
    in_time = desk.change(
        desk.owed("mail"), outcome="retrying", next_attempt_at=desk.clock.now + LONGEST_DELAY
    )
    await desk.recovery.take_over()
    assert (desk.only.id, desk.only.state) == (identity, "unclear")
    assert desk.only.updated_at == desk.clock.now
    assert desk.answers() == []
    row = desk.row(claimed)
    assert (row.claimed_version, row.next_attempt_at) == (None, None)
    assert desk.row(late).next_attempt_at == desk.clock.now
    assert desk.row(in_time) == in_time
    text = "taking over: 1 registrations to resolve at Shopify, 2 deliveries under way"
    assert text in [record.getMessage() for record in caplog.records]


async def test_a_promise_that_was_being_kept_is_due_and_in_doubt(desk: Desk) -> None:
    await desk.sign_up(later=True)
    desk.set(claimed=1)
    await desk.recovery.take_over()
    assert (desk.column("claimed"), desk.column("doubt")) == (0, 1)
    assert desk.column("next_try_at") == desk.clock.now


async def test_all_pages_of_what_is_due_too_late_are_brought_forward(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.outbox.schedule.PAGE", 2)
    late = desk.clock.now + LONGEST_DELAY + 1
    rows = [
        desk.change(desk.owed("smaregi", customer=n), outcome="retrying", next_attempt_at=late)
        for n in range(1, 6)
    ]
    await desk.recovery.take_over()
    assert {desk.row(each).next_attempt_at for each in rows} == {desk.clock.now}


@pytest.mark.parametrize(("open_ones", "pending"), [(0, 0), (1, 0), (0, 1)])
async def test_a_new_owner_tells_what_it_took_over_where_there_is_anything(
    desk: Desk, caplog: pytest.LogCaptureFixture, open_ones: int, pending: int
) -> None:
    caplog.set_level(logging.INFO)
    if open_ones:
        await unclear(desk)
        desk.set(state="open")
    if pending:
        desk.owed("crm", claimed=True)
    await desk.recovery.take_over()
    assert ("taking over" in caplog.text) is bool(open_ones or pending)


async def test_what_was_unclear_before_stays_as_it_was(desk: Desk) -> None:
    await unclear(desk)
    row = desk.only
    desk.clock.now += 100
    await desk.recovery.take_over()
    assert desk.only == row


# -- asking


async def test_a_customer_who_is_there_after_all_is_finished_and_nobody_was_told(
    desk: Desk, moment: Moment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    identity = await unclear(desk)
    desk.master.found = [found(desk, identity)]
    assert await desk.recovery._round() == AGAIN
    row = desk.only
    assert (row.state, row.customer_id, row.shopify_action) == ("accepted", TARO, "created")
    assert desk.column("answered") == 0
    assert desk.owed_rows() == {"smaregi": "pending", "crm": "pending", "mail": "pending"}
    claimed = desk.db.connection.execute("SELECT count(claimed_version) FROM deliveries")
    assert claimed.fetchone()[0] == 0, "the worker sends them"
    assert desk.master.looks == [(identity, PROFILE.email)]
    assert sorted(desk.calls) == ["gone", "owed"]
    assert desk.intents() == 0
    assert f"registration {identity}: Shopify has the customer after all" in caplog.text
    assert await desk.recovery._round() is WOKEN


async def test_it_is_asked_for_on_behalf_of_the_request_that_it_began_with(
    desk: Desk, moment: Moment
) -> None:
    await unclear(desk)
    desk.set(request_id="req-1")
    seen = []

    async def find(registration_id: str, email: str) -> None:
        seen.append(request_id.get())

    desk.master.find = find  # type: ignore[method-assign]
    await desk.recovery._round()
    assert (seen, request_id.get()) == (["req-1"], None)


@pytest.mark.parametrize("mark", ["", "another"])
async def test_somebody_else_with_the_same_e_mail_is_not_this_registrations(
    desk: Desk, moment: Moment, mark: str
) -> None:
    await unclear(desk)
    desk.master.found = [found(desk, mark)]
    await desk.recovery._round()
    assert (desk.only.state, desk.owed_rows(), desk.calls) == ("unclear", {}, [])


async def test_it_is_asked_for_ever_more_seldom_for_a_quarter_of_an_hour(
    desk: Desk, moment: Moment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    identity = await unclear(desk)
    asked, began = [], moment.now
    while desk.rows():
        before = len(desk.master.looks)
        await desk.recovery._round()
        if len(desk.master.looks) > before:
            asked.append(moment.now - began)
        moment.now += 0.5
    assert asked[:7] == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 61.0]
    assert {b - a for a, b in pairwise(asked[6:])} == {30.0}
    assert asked[-1] > KEEP_ASKING
    assert asked[-2] <= KEEP_ASKING == 900.0
    assert (desk.intents(), desk.calls) == (0, ["gone"])
    assert f"registration {identity}: Shopify never got the customer; dropped" in caplog.text


async def test_one_that_was_promised_and_given_up_ends_with_its_problem(
    desk: Desk, moment: Moment
) -> None:
    await unclear(desk)
    desk.set(problem='{"type": "shopify-unavailable", "status": 503}')
    await desk.recovery._round()
    moment.now += KEEP_ASKING + 31
    desk.clock.now += 7
    await desk.recovery._round()
    assert (desk.only.state, desk.intents()) == ("rejected", 0)
    assert desk.only.updated_at == desk.clock.now


async def test_just_a_quarter_of_an_hour_is_not_enough(desk: Desk, moment: Moment) -> None:
    await unclear(desk)
    await desk.recovery._round()
    moment.now += KEEP_ASKING
    await desk.recovery._round()
    assert desk.only.state == "unclear"
    moment.now += 31
    await desk.recovery._round()
    assert desk.rows() == []


async def test_one_that_was_tried_again_meanwhile_is_asked_for_as_long_anew(
    desk: Desk, moment: Moment
) -> None:
    await unclear(desk)
    await desk.recovery._round()
    moment.now += KEEP_ASKING + 100
    desk.set(updated_at=desk.clock.now + 1)
    await desk.recovery._round()
    assert desk.only.state == "unclear"


async def test_while_shopify_cannot_be_asked_it_stays_unclear_however_long(
    desk: Desk, moment: Moment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    identity = await unclear(desk)
    await desk.recovery._round()
    moment.now += 2 * KEEP_ASKING
    desk.master.found = [down()]
    await desk.recovery._round()
    assert desk.only.state == "unclear"
    assert f"registration {identity} stays unclear: call: it went wrong" in caplog.text


async def test_an_intent_that_cannot_be_read_is_asked_for_by_our_id_alone(
    desk: Desk, moment: Moment
) -> None:
    identity = await unclear(desk)
    desk.db.connection.execute("UPDATE intents SET sealed = x'00'")
    await desk.recovery._round()
    desk.db.connection.execute("DELETE FROM intents")
    moment.now += 1
    await desk.recovery._round()
    assert desk.master.looks == [(identity, ""), (identity, "")]


async def test_so_many_are_asked_for_at_once_of_all_pages(
    desk: Desk, moment: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.registrations.PAGE", 6)
    db = desk.db.connection
    for number in range(20):
        db.execute(
            """INSERT INTO registrations (id, state, email_hash, body_hash, created_at, updated_at)
               VALUES (?, 'unclear', x'00', x'00', ?, 1)""",
            (f"r{number:02}", number),
        )
    under_way, seen, order = 0, list[int](), list[str]()

    async def find(registration_id: str, email: str) -> None:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        order.append(registration_id)
        for _ in range(20):
            await asyncio.sleep(0)
        under_way -= 1

    desk.master.find = find  # type: ignore[method-assign]
    await desk.recovery._round()
    assert order == [f"r{number:02}" for number in range(20)], "the oldest first"
    assert max(seen) == 8
    assert len(seen) == 20
