"""The pictures of the first page: every number is right, and is there as text as well."""

import time
from typing import Any

import pytest

from gateway.app.history import History
from gateway.outcomes import Kind, NewDelivery, Outcome
from gateway.registration.intent import new_id
from gateway.store import Engine, history, outbox
from tests.console.test_deliveries import an_outage
from tests.console.visitor import Visitor
from tests.world import World

DAY = 86400.0


async def an_attempt(db: Engine, at: float, seconds: float, *, failed: bool) -> None:
    def unit(connection: Any) -> None:
        new = NewDelivery("crm", Kind.UPDATE, Outcome.PENDING)
        customer = int(at * 1000)
        (owed,) = outbox.add(connection, customer, None, [new], at)
        connection.execute(
            """INSERT INTO attempts
                   (delivery_id, started_at, duration, outcome, error_class, counted)
               VALUES (?, ?, ?, 'delivered', ?, 1)""",
            (owed.id, at, seconds, "timeout" if failed else None),
        )

    await db.write(unit)


async def a_signup(db: Engine, at: float, state: str = "accepted") -> None:
    await db.write(
        lambda c: c.execute(
            """INSERT INTO registrations (id, state, email_hash, body_hash, created_at, updated_at)
               VALUES (?, ?, x'00', x'00', ?, ?)""",
            (new_id(at), state, at, at),
        )
    )


async def test_hours_and_days_are_counted_where_they_belong(world: World) -> None:
    db, now = world.core.db, time.time() // 3600 * 3600 + 1800
    for at in (now, now - 60, now - 3600, now - 3 * DAY, now - 20 * DAY):
        await a_signup(db, at)
    await a_signup(db, now, "rejected")
    for at, seconds, failed in (
        (now - 20 * DAY, 9.0, True),
        (now - 3 * DAY, 4.0, True),
        (now - 3600, 1.0, False),
        (now - 3, 1.0, False),
        (now, 3.0, True),
    ):
        await an_attempt(db, at, seconds, failed=failed)
    hours, days = await History(db, lambda: now).read()
    assert (len(hours), len(days)) == (24, 14)
    assert [(h.signups, h.attempts, h.failed, h.seconds) for h in hours[-3:]] == [
        (0, 0, 0, 0.0),
        (1, 1, 0, 1.0),
        (2, 2, 1, 2.0),
    ]
    assert sum(day.signups for day in days) == 4
    assert (days[-4].signups, days[-4].failed, days[-4].seconds) == (1, 1, 4.0)


@pytest.mark.long
async def test_many_attempts_are_read_in_pages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_PAGE", 3)
    now = time.time()
    for number in range(10):
        await an_attempt(world.core.db, now - 2000 * number, 1.0, failed=True)
    hours, days = await History(world.core.db, lambda: now).read()
    assert sum(hour.failed for hour in hours) == sum(day.failed for day in days) == 10


@pytest.mark.long
async def test_what_was_read_is_shown_again_for_a_moment(world: World) -> None:
    clock = [time.time()]
    it = History(world.core.db, lambda: clock[0])
    assert (await it.read())[0][-1].signups == 0
    await a_signup(world.core.db, clock[0] - 1)
    assert sum(hour.signups for hour in (await it.read())[0]) == 0
    clock[0] += 15
    assert sum(hour.signups for hour in (await it.read())[0]) == 1


async def test_the_first_page_has_every_number_as_text(world: World, admin: Visitor) -> None:
    await an_outage(world, 2)
    world.core.history = History(world.core.db)  # the one that the sign-in has read is a moment old
    page = await admin.get("/admin")
    assert "Sign-ups: at most 2. The table below has every number." in page.text
    assert "Failed attempts: at most 2." in page.text
    assert page.text.count("<rect") >= 6
