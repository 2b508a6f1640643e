"""shop accept and removals, as a person types them; and what the others refuse meanwhile."""

import asyncio

import pytest

from gateway.sandbox import Sandbox
from gateway.store import Database, removals
from tests.app.guard.scene import another, settings_of
from tests.cli.process import Shell, register


@pytest.mark.long
async def test_shop_accept_shows_from_and_to_and_asks(shell: Shell, sandbox: Sandbox) -> None:
    async with shell.serving() as (_, url):
        await register(url, 1)
    async with another() as other:
        shell.settings |= settings_of(other, "shopify")
        refused = await shell.run("replay")
        assert (refused.code, "shop accept" in refused.err) == (2, True)
        unasked = await shell.run("shop", "accept")  # nobody answers
        assert unasked.code == 1
        for domain in (sandbox.shopify.options.store, other.shopify.options.store):
            assert domain in unasked.out
        done = await shell.run("shop", "accept", "--yes")
        assert (done.code, "Accepted" in done.out) == (0, True), done.err
        again = await shell.run("shop", "accept")
        assert (again.code, "nothing to accept" in again.out) == (0, True)


@pytest.mark.long
async def test_another_shop_beside_serve(shell: Shell) -> None:
    async with shell.serving() as (_, url):
        await register(url, 1)
    async with another() as other:
        shell.settings |= settings_of(other, "shopify")
        async with shell.serving() as (serve, _):
            await serve.says("another one than before")
            backfill = await shell.run("backfill", "--channel", "crm")
            assert (backfill.code, "put the old settings back" in backfill.err) == (2, True)
            check = await shell.run("check")
            assert (check.code, "shop accept" in check.out) == (1, True)


async def hold(shell: Shell, *ids: int) -> None:
    """As a mass disappearance leaves them."""
    db = Database(shell.folder / "gateway.db")
    await db.open()

    def unit(connection: object) -> None:
        for each in ids:
            connection.execute(  # type: ignore[attr-defined]
                "INSERT INTO removals VALUES (?, 'gone', 'held', 1700000000, 1700000000)", (each,)
            )

    await db.write(unit)
    await db.close()


@pytest.mark.long
async def test_removals_are_listed_dropped_and_confirmed(shell: Shell) -> None:
    empty = await shell.run("removals", "list")
    assert (empty.code, "Nobody is held." in empty.out) == (0, True)
    await hold(shell, 1, 2, 3)
    listed = await shell.run("removals", "list", "--json", "--limit", "2")
    assert [row["shopify_customer_id"] for row in listed.rows()] == [
        "gid://shopify/Customer/1",
        "gid://shopify/Customer/2",
    ]
    dry = await shell.run("removals", "drop", "--dry-run")
    assert (dry.code, "would take 3" in dry.out) == (0, True)
    dropped, confirmed = await asyncio.gather(
        shell.run("removals", "drop", "--id", "1", "--yes"),
        shell.run("removals", "confirm", "--id", "2", "--yes"),
    )
    assert (dropped.code, "1 dropped" in dropped.out) == (0, True), dropped.err
    assert (confirmed.code, "1 confirmed" in confirmed.out) == (0, True), confirmed.err
    unasked = await shell.run("removals", "confirm")
    assert unasked.code == 1
    db = Database(shell.folder / "gateway.db")
    await db.open()
    assert await db.read(removals.held) == 1
    await db.close()
