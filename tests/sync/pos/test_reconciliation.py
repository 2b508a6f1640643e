"""Webhooks that never came: a pass over both systems finds what they would have brought."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.smaregi import client
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.sandbox import Fault, SandboxOptions, ShopifyOptions
from gateway.shopify.roll import Roll
from gateway.store.members import set_meta
from gateway.sync import reconciliation
from gateway.sync.reconciliation import AGAIN_AFTER, EVERY, PassCounts
from tests.e2e.evidence import AlertBox
from tests.sync.pos.scene import contact, in_shopify, member, quiet, record, signed_up, writes
from tests.world import World, a_world, registration


@pytest.fixture
async def deaf(tmp_path: Path) -> AsyncIterator[World]:
    """No webhooks at all."""
    options = SandboxOptions(shopify=ShopifyOptions(search_lag=0.0))
    async with a_world(tmp_path, options, SMAREGI_SYNC_CHANGES="true") as world:
        world.core.events.handlers["smaregi"].rest = 0.05
        await world.core.reconciliation.begin()
        yield world


async def reconciled(world: World) -> PassCounts:
    found = await world.core.reconciliation.once()
    await quiet(world)
    return found


def edited(world: World, **fields: object) -> None:
    """Somebody changes the customer in Shopify's admin."""
    for name, value in fields.items():
        setattr(record(world), name, value)
    world.sandbox.shopify.store.touch(record(world))


async def test_a_change_in_shopify_is_found(deaf: World) -> None:
    await signed_up(deaf)
    edited(deaf, last_name="佐藤")
    assert (await reconciled(deaf)).deliveries == 2
    assert (member(deaf)["lastName"], contact(deaf)["lastname"]) == ("佐藤", "佐藤")


async def test_a_change_at_the_till_is_found(deaf: World) -> None:
    await signed_up(deaf)
    (member_id,) = deaf.sandbox.smaregi.members
    deaf.sandbox.smaregi.edit(member_id, lastName="佐藤")
    assert (await reconciled(deaf)).till == 1
    assert (await in_shopify(deaf)).last_name == contact(deaf)["lastname"] == "佐藤"


async def test_a_second_pass_writes_nothing(deaf: World) -> None:
    await signed_up(deaf)
    (member_id,) = deaf.sandbox.smaregi.members
    deaf.sandbox.smaregi.edit(member_id, lastName="佐藤")
    await reconciled(deaf)
    deaf.sandbox.journal.clear()
    found = await reconciled(deaf)
    assert (found.deliveries, found.till, found.gone) == (0, 0, 0)
    for system in ("shopify", "smaregi", "crm"):
        assert writes(deaf, system) == []


async def test_opting_out_is_found_whatever_the_flags_say(deaf: World) -> None:
    await signed_up(deaf)
    deaf.set(FLAG_UPDATES="off")
    record(deaf).consent.state = "UNSUBSCRIBED"
    edited(deaf)
    await reconciled(deaf)
    assert member(deaf)["mailReceiveFlag"] == "0"


async def test_a_customer_made_elsewhere_is_found(deaf: World) -> None:
    deaf.set(SHOPIFY_SYNC_OTHERS="true")
    deaf.sandbox.shopify.add_customer(email="jiro@example.com", lastName="佐藤", firstName="次郎")
    await reconciled(deaf)
    assert member(deaf)["lastName"] == contact(deaf)["lastname"] == "佐藤"


async def test_a_deletion_that_was_not_heard_of_is_found(deaf: World) -> None:
    deaf.core.events.handlers["shopify"].grace = 0.05  # type: ignore[attr-defined]
    customer_id = await signed_up(deaf)
    deaf.sandbox.shopify.delete_customer(customer_id)
    assert (await reconciled(deaf)).gone == 1
    kinds = {(d.kind, d.outcome) for d in await deaf.deliveries() if d.kind == "removal"}
    assert kinds == {("removal", "delivered")}
    assert (await reconciled(deaf)).gone == 0


@pytest.mark.parametrize("system", ["shopify", "smaregi"])
async def test_a_pass_that_was_cut_off_goes_on_where_it_was(
    deaf: World, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr("gateway.shopify.roll.PAGE", 2)
    monkeypatch.setattr("gateway.channels.smaregi.lists.PAGE", 2)
    monkeypatch.setattr(reconciliation, "_FULL_PAGE", 2)
    monkeypatch.setattr(reconciliation, "OVERLAP", 0.0)
    for number in range(5):
        await deaf.register(**registration(number))
    await quiet(deaf)
    for number, member_id in enumerate(deaf.sandbox.smaregi.members):
        if system == "smaregi":
            deaf.sandbox.smaregi.edit(member_id, lastName=f"佐藤{number}")
    for number, each in enumerate(deaf.sandbox.shopify.customers.values()):
        if system == "shopify":
            each.last_name = f"佐藤{number}"
            deaf.sandbox.shopify.store.touch(each)
    place, name = PLACES[system]
    whole, pages = getattr(place, name), list[int]()

    async def breaks(self: Any, *asked: Any) -> Any:
        pages.append(1)
        if len(pages) == 2:
            raise UpstreamError(system, "list", ErrorClass.TIMEOUT, "no answer")
        return await whole(self, *asked)

    monkeypatch.setattr(place, name, breaks)
    assert await deaf.core.reconciliation._pass() == AGAIN_AFTER
    await deaf.restart()
    deaf.core.events.handlers["smaregi"].rest = 0.05
    await reconciled(deaf)
    assert len(pages) <= 6
    names = {row["lastName"] for row in deaf.sandbox.smaregi.members.values()}
    assert names == {f"佐藤{number}" for number in range(5)}
    names = {each.last_name for each in deaf.sandbox.shopify.customers.values()}
    assert names == {f"佐藤{number}" for number in range(5)}


PLACES: dict[str, tuple[Any, str]] = {
    "shopify": (Roll, "changed"),
    "smaregi": (client.SmaregiClient, "changed_page"),
}


async def test_a_change_that_the_search_shows_late_is_found_by_the_next_pass(
    tmp_path: Path,
) -> None:
    options = SandboxOptions(shopify=ShopifyOptions(search_lag=3600.0))
    async with a_world(tmp_path, options) as world:
        await world.core.reconciliation.begin()
        await signed_up(world)
        edited(world, last_name="佐藤")
        assert (await reconciled(world)).deliveries == 0
        world.sandbox.shopify.options = replace(options.shopify, search_lag=0.0)
        assert (await reconciled(world)).deliveries == 2


async def test_its_failures_are_told_once_and_its_figures_are_counted(deaf: World) -> None:
    async with AlertBox.open() as box:
        deaf.set(ALERT_WEBHOOK_URL=box.url)
        await signed_up(deaf)
        deaf.sandbox.faults.set("shopify", Fault("status", status=500, match="Changed"))
        for _ in range(3):
            assert await deaf.core.reconciliation._pass() == AGAIN_AFTER
        deaf.sandbox.faults.clear()
        assert await deaf.core.reconciliation._pass() == EVERY
        await deaf.until(lambda: box.texts)
        assert len(box.about("The pass over both systems", "unavailable")) == 1
    text = (await deaf.core.metrics_text()).decode()
    assert 'gateway_reconciliation_found_total{what="customers"} 1.0' in text
    assert "gateway_reconciliation_last_seconds 0.0" not in text


async def test_it_runs_by_itself(deaf: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "FIRST_AFTER", 0.05)
    await deaf.restart()
    await signed_up(deaf)
    edited(deaf, last_name="佐藤")
    deaf.core.wakes.reconciliation.set()
    await deaf.until(lambda: member(deaf)["lastName"] == "佐藤")


async def test_many_members_at_once_are_left_to_a_pass(
    deaf: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.sync.pos_changes._MOST", 0)
    await signed_up(deaf)
    (member_id,) = deaf.sandbox.smaregi.members
    till = deaf.core.events.handlers["smaregi"]._pos_changes  # type: ignore[attr-defined]
    asked = asyncio.Event()
    monkeypatch.setattr(till, "_whole_pass", asked)
    await till.members_changed([member_id])
    assert asked.is_set()


@pytest.mark.parametrize("side", ["shopify", "smaregi"])
async def test_what_could_not_be_acted_on_is_found_by_the_next_pass(
    deaf: World, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    """The mark moves once a page is acted on; here nothing is looked at twice by the overlap."""
    await signed_up(deaf)
    monkeypatch.setattr(reconciliation, "OVERLAP", -1.0)
    long_ago = repr(time.time() - 600)

    def unit(db: Any) -> None:
        for name in (reconciliation._SHOPIFY, reconciliation._SMAREGI):
            set_meta(db, name, long_ago)

    await deaf.core.db.write(unit)
    if side == "shopify":
        edited(deaf, last_name="佐藤")
    else:
        (member_id,) = deaf.sandbox.smaregi.members
        deaf.sandbox.smaregi.edit(member_id, lastName="佐藤")

    async def breaks(*_: Any) -> Any:
        raise StorageError("SQLITE_FULL", "free some space")

    with monkeypatch.context() as patch:
        if side == "shopify":
            patch.setattr(deaf.core.reconciliation, "_look", breaks)
        else:
            patch.setattr(deaf.core.reconciliation, "_take", breaks)
        with pytest.raises(StorageError):
            await deaf.core.reconciliation.once()
    found = await reconciled(deaf)
    assert (found.deliveries == 2) if side == "shopify" else (found.till == 1)
