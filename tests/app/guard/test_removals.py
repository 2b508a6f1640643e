"""More than 20 and more than 2 % of the linked customers gone at once are held, not removed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.outcomes import Kind, Outcome
from gateway.sandbox import Fault
from gateway.store import removals
from gateway.sync.webhooks import NewEvent
from gateway.sync.webhooks.verification import DELETED, REDACT
from tests.app.guard.scene import a_shop, contacts, held, hurry, leave, linked, pass_over
from tests.store.memory import a_connection
from tests.sync.webhooks.webhook import arrived
from tests.world import World

MANY = 26
"""Customers of the shop; with 21 of them gone it is too many."""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[World]:
    async with a_shop(tmp_path, MANY) as world:
        yield world


def ids(world: World) -> list[int]:
    return sorted(world.sandbox.shopify.customers)


async def webhooks(world: World, customers: list[int], topic: str = DELETED) -> None:
    """They arrive, and are worked."""
    for each in customers:
        await world.core.events.keep(NewEvent(f"shopify:{topic} {each}", "shopify", topic, each))
    await arrived(world)


async def alerts_of(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(
        world.core.runtime.listener, "notice", lambda alert: told.append(alert.told())
    )
    return told


async def test_an_emptied_shop_is_held_by_the_pass(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await alerts_of(shop, monkeypatch)
    leave(shop, ids(shop))
    await pass_over(shop)
    assert (await held(shop), contacts(shop.sandbox)) == (MANY, MANY)
    assert await linked(shop) == MANY
    assert len(told) == 1
    assert f"{MANY} linked customers" in told[0]
    assert b"gateway_removals_held 26.0" in await shop.core.metrics_text()
    await pass_over(shop)
    assert len(told) == 1


async def test_answers_that_are_empty_lists_remove_nobody(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def blind(_: object) -> dict[int, Any]:
        return {}

    with monkeypatch.context() as broken:
        broken.setattr(shop.core.shopify._batches, "read", blind)
        await pass_over(shop)
    assert (await held(shop), contacts(shop.sandbox)) == (MANY, MANY)
    await pass_over(shop)
    assert await held(shop) == 0  # seen again: they are customers like any other
    assert await linked(shop) == MANY


async def test_twenty_are_removed_as_ever(shop: World) -> None:
    leave(shop, ids(shop)[:20])
    await pass_over(shop)
    await shop.until(lambda: contacts(shop.sandbox) == MANY - 20)
    assert await held(shop) == 0


async def test_a_mass_of_webhooks_is_held_before_the_first_is_worked(shop: World) -> None:
    hurry(shop, 1.0)
    going = ids(shop)[:21]
    leave(shop, going)
    await webhooks(shop, going)
    assert (await held(shop), contacts(shop.sandbox)) == (21, MANY)


async def test_the_count_outlives_a_restart(shop: World) -> None:
    going = ids(shop)[:24]
    leave(shop, going)
    await webhooks(shop, going[:20])
    await shop.until(lambda: contacts(shop.sandbox) == MANY - 20)
    await shop.restart()
    hurry(shop)
    await webhooks(shop, going[20:])
    assert (await held(shop), contacts(shop.sandbox)) == (4, MANY - 20)


async def test_removals_that_have_begun_are_called_back(shop: World) -> None:
    going = ids(shop)[:23]
    leave(shop, going)
    for system in ("crm", "smaregi"):
        shop.sandbox.faults.set(system, Fault("status", status=503))
    await webhooks(shop, going[:5])
    begun = await shop.deliveries(outcomes=(Outcome.RETRYING,))
    assert [each.kind for each in begun] == [Kind.REMOVAL] * 10
    await webhooks(shop, going[5:])
    shop.sandbox.faults.clear()
    assert await held(shop) == 23
    assert await shop.deliveries(outcomes=(Outcome.PENDING, Outcome.RETRYING)) == []
    assert contacts(shop.sandbox) == MANY


async def test_while_some_are_held_the_next_one_joins_them(shop: World) -> None:
    going = ids(shop)
    leave(shop, going[:22])
    await pass_over(shop)
    leave(shop, going[22:23])
    await webhooks(shop, going[22:23])
    assert (await held(shop), contacts(shop.sandbox)) == (23, MANY)


async def test_confirmed_ones_are_looked_at_once_more_and_removed(shop: World) -> None:
    going = ids(shop)[:22]
    back = replace(shop.sandbox.shopify.customers[going[0]])
    leave(shop, going)
    await pass_over(shop)
    shop.sandbox.shopify.customers[going[0]] = back
    assert await shop.core.removals.confirm() == 22
    await shop.until(lambda: contacts(shop.sandbox) == MANY - 21)
    while await linked(shop) > MANY - 21:
        await asyncio.sleep(0.02)
    assert await held(shop) == 0
    last = ids(shop)[-1]
    leave(shop, [last])
    await webhooks(shop, [last])  # what was confirmed does not count against the next
    await shop.until(lambda: contacts(shop.sandbox) == MANY - 22)


async def test_dropped_ones_stay_until_shopify_says_it_anew(shop: World) -> None:
    going = ids(shop)[:22]
    leave(shop, going)
    await pass_over(shop)
    assert await shop.core.removals.drop() == 22
    await pass_over(shop)
    assert (await held(shop), contacts(shop.sandbox)) == (0, MANY)
    await webhooks(shop, going[:1])
    await shop.until(lambda: contacts(shop.sandbox) == MANY - 1)


async def test_orders_to_erase_in_a_mass_are_held_and_a_single_one_is_not(shop: World) -> None:
    going = ids(shop)
    leave(shop, going[:22])
    await pass_over(shop)
    await webhooks(shop, going[:1], REDACT)  # one order, in the middle of what is held
    await shop.until(lambda: contacts(shop.sandbox) == MANY - 1)
    hurry(shop, 1.0)
    await webhooks(shop, going[1:25], REDACT)
    await webhooks(shop, [])
    assert contacts(shop.sandbox) == MANY - 1
    found = await shop.core.db.read(lambda db: removals.find(db, "held"))
    assert {each.cause for each in found} == {"redact"}
    assert len(found) == 24
    await shop.core.removals.confirm([going[1]])
    await shop.until(lambda: contacts(shop.sandbox) == MANY - 2)


async def test_what_a_mass_that_seems_gone_is_owed_is_kept(tmp_path: Path) -> None:
    held_back = {"FLAG_CRM": "hold", "FLAG_SMAREGI": "off", "GATEWAY_AUTO_REPLAY": "false"}
    async with a_shop(tmp_path, 0, **held_back) as world:
        for wave, discarded in ((range(1, 16), 15), (range(16, 31), 15)):  # then it is too many
            world.set(FLAG_CRM="hold")
            for each in wave:
                await world.register(number=each)
            leave(world, ids(world))
            world.set(FLAG_CRM="on")
            while await world.deliveries(outcomes=(Outcome.HELD, Outcome.PENDING)):
                await asyncio.sleep(0.02)
            assert len(await world.deliveries(outcomes=(Outcome.DISCARDED,))) == discarded
        assert await held(world) == 15


def test_two_percent_of_a_large_shop_are_not_held() -> None:
    db = a_connection()
    db.executemany(
        "INSERT INTO links (channel, customer_id, reference, created_at, updated_at)"
        " VALUES ('crm', ?1, CAST(?1 AS TEXT), 0, 0)",
        [(each,) for each in range(1, 2001)],
    )
    removals.notice(db, range(1, 41), "gone", 10.0)
    assert removals.judge(db, "gone", 10.0) == 0
    removals.notice(db, [41], "gone", 10.0)
    assert removals.judge(db, "gone", 10.0) == 41


def test_what_a_pass_looked_at_is_what_its_share_is_of() -> None:
    db = a_connection()
    db.executemany(
        "INSERT INTO links (channel, customer_id, reference, created_at, updated_at)"
        " VALUES ('crm', ?1, CAST(?1 AS TEXT), 0, 0)",
        [(each,) for each in range(1, 5001)],
    )
    removals.notice(db, range(1, 31), "gone", 10.0)
    assert removals.judge(db, "gone", 10.0) == 0
    assert removals.judge(db, "gone", 10.0, looked=1000) == 30


def test_after_an_hour_they_count_no_more() -> None:
    db = a_connection()
    db.executemany(
        "INSERT INTO links (channel, customer_id, reference, created_at, updated_at)"
        " VALUES ('crm', ?1, CAST(?1 AS TEXT), 0, 0)",
        [(each,) for each in range(1, 51)],
    )
    for each in range(1, 21):
        removals.notice(db, [each], "gone", 10.0)
        assert removals.begin(db, each, "gone", 10.0)
    removals.notice(db, [21], "gone", 10.0 + removals.WINDOW + 1)
    assert removals.judge(db, "gone", 10.0 + removals.WINDOW + 1) == 0
