"""What a start says of its database, and of an empty one beside systems that hold records of
ours.
"""

import logging
from pathlib import Path

import pytest

from gateway.app import Role, holdings
from gateway.app.checks import run_checks
from gateway.sandbox import Fault
from gateway.wire import dry_run
from tests.world import World, a_world, registration

MARKED = "Shopify, Smaregi, CRM hold what a gateway made"


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="gateway")


def _said(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    records = [(each.levelno, each.getMessage()) for each in caplog.records]
    return [record for record in records if record[1].startswith("database")]


async def _elsewhere(world: World, folder: Path, **settings: str) -> None:
    """Start again on a path that is misspelt."""
    await world.restart(GATEWAY_DATABASE_URL=f"sqlite:///{folder / 'gatway.db'}", **settings)


async def test_a_start_says_which_file_it_uses_and_what_it_holds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_world(tmp_path, FLAG_CRM="hold") as world:
        place = tmp_path / "gateway.db"
        await world.core.holdings.tell()
        assert _said(caplog) == [(logging.WARNING, f"database {place}: new, made just now")]
        assert (await world.register()).status == 201
        await world.settled()
        caplog.clear()
        await world.restart()
        await world.core.holdings.tell()
        known = f"database {place}: known, 2 links, 1 open delivery"
        assert _said(caplog) == [(logging.INFO, known)]


async def test_an_empty_database_beside_our_marks_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holdings, "_LATER", 0.0)
    async with a_world(tmp_path) as world:
        assert (await world.register()).status == 201
        await _elsewhere(world, tmp_path)
        await world.until(lambda: MARKED in caplog.text)
        assert f"database {tmp_path / 'gatway.db'}: it holds nothing, yet" in caplog.text
        assert "GATEWAY_DATABASE_URL" in caplog.text
        (check,) = [c for c in await run_checks(world.live) if c.warns]
        dry_run.set(False)
        assert MARKED in check.detail
        assert check.ok


async def test_each_system_speaks_for_itself(tmp_path: Path) -> None:
    """Customers whom only a backfill sent on have no mark in Shopify; a system that fails or is
    not in use says nothing.
    """
    async with a_world(tmp_path) as world:
        reply = await world.register()
        (customer,) = world.sandbox.shopify.customers.values()
        customer.metafields.clear()
        await _elsewhere(world, tmp_path, FLAG_SMAREGI="off")
        assert await world.core.holdings.systems_with_records() == ["CRM"]
        world.set(FLAG_SMAREGI="on")
        assert await world.core.holdings.systems_with_records() == ["Smaregi", "CRM"]
        world.sandbox.faults.set("crm", Fault(kind="status", status=500))
        assert await world.core.holdings.systems_with_records() == ["Smaregi"]
        world.sandbox.faults.set("shopify", Fault(kind="status", status=500))
        assert await world.core.holdings.systems_with_records() == []
        assert reply.status == 201


async def test_what_this_database_knows_is_no_foreign_mark(tmp_path: Path) -> None:
    """Somebody may sign up before the look at the systems around."""
    async with a_world(tmp_path) as world:
        world.sandbox.shopify.add_customer(email="guest@example.com")
        assert await world.core.holdings.systems_with_records() == []
        assert (await world.register()).status == 201
        assert await world.core.holdings.systems_with_records() == []


async def test_a_database_that_holds_something_is_not_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holdings, "_LATER", 0.0)
    async with a_world(tmp_path) as world:
        assert (await world.register(registration(1))).status == 201
        await world.stop()
        world.sandbox.journal.clear()
        await world.start(Role.SERVE)
        await world.register(registration(2))
        asked = [each.operation for each in world.sandbox.journal.of("shopify")]
        assert "customers" not in asked
