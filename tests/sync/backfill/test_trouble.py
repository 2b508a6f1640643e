"""Upstreams that fail, flags that change, runs that are broken off: nobody lost, nobody twice."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Role
from gateway.outcomes import Outcome, Waiting
from gateway.sandbox import Fault
from gateway.store import backfill as queries
from gateway.store.backfill import BackfillCheckpoint
from gateway.sync.backfill import sending
from tests.e2e.trouble.disk import Disk, sqlite_disk
from tests.sync.backfill.runs import Heard, a_shop, backfill, in_the_shop, numbers
from tests.world import World

KEY = "crm None None"
"""Of a run for the CRM without a period."""


@pytest.fixture
def disk() -> Iterator[Disk]:
    with sqlite_disk() as disk:
        yield disk


@pytest.fixture
def short_pauses(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.core.deliverer.routes["crm"].circuit, "_pause", 0.2)
    monkeypatch.setattr(sending, "SHORTEST_PAUSE", 0.05)
    monkeypatch.setattr(sending, "PAUSES", {Waiting.INDEX: 0.1, Waiting.SHOPIFY: 0.1})


async def stopped_in_the_middle(world: World) -> Heard:
    """A run that has to go while its window is under way, and its page is not sent to the end."""
    stop = asyncio.Event()
    world.sandbox.delays["crm"] = 0.2
    running = asyncio.create_task(backfill(world, stop=stop))
    await world.until(lambda: len(world.sandbox.hubspot.contacts) > 0)
    stop.set()
    heard = await running
    world.sandbox.delays["crm"] = 0.0
    assert not heard.ended
    return heard


async def as_a_command(world: World) -> None:
    """A new owner that works off nothing by itself."""
    await world.stop()
    await world.start(Role.COMMAND)


async def test_the_run_waits_for_a_channel_that_is_down_and_goes_on(
    world: World, short_pauses: None
) -> None:
    in_the_shop(world.sandbox, 350)
    world.sandbox.faults.set("crm", Fault(kind="status", status=503, match="POST /contacts"))
    running = asyncio.create_task(backfill(world))
    await world.until(lambda: len(world.sandbox.journal.of("crm", "POST /contacts")) > 64)
    assert len(await world.deliveries()) == 200, "not more than a page ahead is opened"
    world.sandbox.faults.clear()
    heard = await running
    assert heard.error is None
    assert any("crm" in text for text in heard.waited_for)
    # Those who failed before the circuit opened wait for the schedule.
    assert heard.counts["delivered"] + heard.counts.get("retrying", 0) == 350
    assert heard.counts["delivered"] > 340
    await world.replay(channel="crm")
    assert len(set(numbers(world.sandbox))) == len(numbers(world.sandbox)) == 350


async def test_refused_credentials_end_the_run_with_words(world: World) -> None:
    in_the_shop(world.sandbox, 5)
    world.sandbox.faults.set("crm", Fault(kind="status", status=401))
    heard = await backfill(world)
    assert "crm refuses our credentials" in (heard.error or "")
    world.sandbox.faults.clear()
    world.core.deliverer.routes["crm"].circuit.half_open()
    again = await backfill(world)
    assert (again.error, len(numbers(world.sandbox))) == (None, 5)
    assert again.counts["delivered"] == 5


async def test_the_run_waits_for_shopify_and_goes_on(world: World, short_pauses: None) -> None:
    in_the_shop(world.sandbox, 120)
    busy = Fault(kind="status", status=503, headers={"Retry-After": "0.1"}, times=3)
    world.sandbox.faults.set("shopify", Fault(kind="status", status=500, times=1), busy)
    heard = await backfill(world)
    assert (heard.error, heard.counts) == (None, {"delivered": 120})
    assert heard.start["total"] is None
    assert any("Shopify" in text for text in heard.waited_for)


async def test_shopify_refusing_us_ends_the_run_with_words(world: World) -> None:
    in_the_shop(world.sandbox, 5)
    world.sandbox.shopify.scopes.clear()
    heard = await backfill(world)
    assert "access denied" in (heard.error or "")
    assert await world.deliveries() == []


async def test_nothing_for_long_ends_the_run(
    world: World, short_pauses: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 0.5)
    in_the_shop(world.sandbox, 10)
    world.sandbox.faults.set("crm", Fault(kind="status", status=503, match="POST /contacts"))
    heard = await backfill(world)
    assert "Run the same command again" in (heard.error or "")
    world.sandbox.faults.clear()
    assert (await backfill(world)).error is None
    await world.replay(channel="crm")
    assert len(set(numbers(world.sandbox))) == len(numbers(world.sandbox)) == 10


async def test_a_first_scan_of_members_is_waited_for(
    world: World, short_pauses: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.matching.index.WAIT_FOR_SCAN", 0.05)
    in_the_shop(world.sandbox, 30)
    index = world.core.smaregi.index
    index.ready = False
    world.sandbox.delays["smaregi"] = 0.5
    running = asyncio.create_task(backfill(world, "smaregi"))
    await world.until(lambda: world.sandbox.journal.reads("shopify"))
    await world.until(lambda: index.ready)
    world.sandbox.delays["smaregi"] = 0.0
    heard = await running
    assert (heard.error, heard.counts) == (None, {"delivered": 30})
    assert len(world.sandbox.smaregi.members) == 30


async def test_a_flag_that_is_switched_off_meanwhile_stops_the_run(world: World) -> None:
    in_the_shop(world.sandbox, 400)
    world.sandbox.delays["crm"] = 0.05
    running = asyncio.create_task(backfill(world))
    await world.until(lambda: len(world.sandbox.hubspot.contacts) > 50)
    world.set(FLAG_CRM="hold")
    heard = await running
    assert "FLAG_CRM is hold" in (heard.error or "")
    rows = await world.deliveries()
    assert len(rows) < 400
    sent = len(world.sandbox.hubspot.contacts)
    assert (
        sum(row.outcome == Outcome.DELIVERED for row in rows) == sent == heard.counts["delivered"]
    )
    world.sandbox.delays["crm"] = 0.0
    world.set(FLAG_CRM="on")
    await backfill(world)
    await world.until(lambda: len(numbers(world.sandbox)) == 400)


async def test_a_run_that_had_to_go_is_continued_behind_its_cursor(world: World) -> None:
    in_the_shop(world.sandbox, 350)
    first = await stopped_in_the_middle(world)
    assert first.start["done"] == 0
    await as_a_command(world)
    world.sandbox.journal.clear()
    second = await backfill(world)
    assert second.error is None
    assert second.start["done"] >= 100
    pages = [e for e in world.sandbox.journal.reads("shopify") if e.operation == "customers"]
    assert len(pages) == 4 - second.start["done"] // 100
    assert len(numbers(world.sandbox)) == len(set(numbers(world.sandbox))) == 350
    assert {row.outcome for row in await world.deliveries()} == {"delivered"}
    assert (await backfill(world)).start["done"] == 0, "a run that has ended is not continued"


async def test_what_a_dead_run_had_opened_is_read_afresh_and_sent(world: World) -> None:
    there = in_the_shop(world.sandbox, 90)
    await stopped_in_the_middle(world)
    left = [row for row in await world.deliveries() if row.outcome is Outcome.PENDING]
    assert left
    world.sandbox.shopify.delete_customer(left[0].customer_id)
    world.sandbox.shopify.edit_customer(left[1].customer_id, lastName="鈴木")
    await as_a_command(world)
    heard = await backfill(world)
    assert heard.counts["discarded"] == 1
    gone = left[0].customer_id
    assert numbers(world.sandbox) == [each.id for each in there if each.id != gone]
    names = [c.properties["lastname"] for c in world.sandbox.hubspot.contacts.values()]
    assert names.count("鈴木") == 1


@pytest.mark.parametrize(
    "mark",
    [
        BackfillCheckpoint(
            "bm8gY3Vyc29yIG9mIGhpcw==", 50, time.time()
        ),  # one that Shopify no longer takes
        BackfillCheckpoint("bm8gY3Vyc29yIG9mIGhpcw==", 50, time.time() - 2 * 86400),
        BackfillCheckpoint(None, 0, time.time()),
    ],
    ids=["refused", "old", "none"],
)
async def test_a_mark_that_is_worth_nothing_begins_at_the_start(
    world: World, mark: BackfillCheckpoint
) -> None:
    in_the_shop(world.sandbox, 120)
    await world.core.db.write(lambda db: queries.checkpoint(db, KEY, mark))
    heard = await backfill(world)
    assert (heard.error, heard.counts) == (None, {"delivered": 120})


async def test_a_mark_that_cannot_be_read_is_none(world: World) -> None:
    def spoil(db: Any) -> None:
        db.execute("INSERT INTO meta VALUES (?, ?)", (f"backfill {KEY}", '{"after": 1, "x": 2}'))

    await world.core.db.write(spoil)
    assert await world.core.db.read(lambda db: queries.checkpoint(db, KEY)) == BackfillCheckpoint()


async def test_another_period_is_another_run(world: World) -> None:
    in_the_shop(world.sandbox, 350)
    await stopped_in_the_middle(world)
    await as_a_command(world)
    heard = await backfill(world, since=1.0)
    assert heard.start["done"] == 0
    assert len(set(numbers(world.sandbox))) == 350


async def test_the_worker_leaves_to_the_run_what_it_has_opened(world: World) -> None:
    """Else it would read the same customers from Shopify once more."""
    in_the_shop(world.sandbox, 64 + 30)
    world.sandbox.delays["crm"] = 0.2
    running = asyncio.create_task(backfill(world))
    await world.until(lambda: world.sandbox.journal.reads("crm"))
    world.core.worker.wake()
    await running
    operations = {entry.operation for entry in world.sandbox.journal.reads("shopify")}
    assert operations == {"customers", "customersCount"}


async def test_a_listener_who_goes_leaves_the_rest_to_the_worker(world: World) -> None:
    in_the_shop(world.sandbox, 90)
    world.sandbox.delays["crm"] = 0.2
    listening = asyncio.create_task(backfill(world))
    await world.until(lambda: len(world.sandbox.hubspot.contacts) > 0)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    world.sandbox.delays["crm"] = 0.0
    assert len(world.sandbox.hubspot.contacts) < 90
    await world.until(lambda: len(numbers(world.sandbox)) == 90)


async def test_what_a_run_opened_before_the_disk_was_full_is_the_next_runs(
    disk: Disk, tmp_path: Path
) -> None:
    """Whoever starts it again at once, in a gateway that goes on, hears of nobody left out."""
    async with a_shop(tmp_path) as world:
        await world.core.worker.stop()
        in_the_shop(world.sandbox, 250)
        world.sandbox.delays["crm"] = 0.1
        running = asyncio.create_task(backfill(world))
        await world.until(lambda: len(world.sandbox.hubspot.contacts) > 10)
        await world.core.db.checkpoint()
        disk.full = True
        assert "database" in ((await running).error or "")
        await asyncio.sleep(0.3)  # giving back what was not sent fails as well
        disk.full = False
        world.sandbox.delays["crm"] = 0.0
        await world.settled()
        assert (await backfill(world)).error is None
        await world.settled()
        assert numbers(world.sandbox) == sorted(world.sandbox.shopify.customers)
        assert {row.outcome for row in await world.deliveries()} == {Outcome.DELIVERED}
