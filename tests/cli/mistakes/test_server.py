"""What commands say where the database is a PostgreSQL. It is a real one."""

from pathlib import Path
from typing import Any

import pytest

from gateway.app.checks import run_checks
from gateway.channels import Check
from gateway.outcomes import Identity
from gateway.sandbox import Sandbox
from gateway.store import identities, removals
from gateway.store.postgres import Gateway, Lease, Postgres
from gateway.wire import dry_run
from tests.cli.mistakes.checking import live_config
from tests.cli.process import Shell
from tests.store.postgres.conftest import cluster, url

__all__ = ["cluster", "url"]

SECRET = "a secret of the tests alone"


async def checked(sandbox: Sandbox, folder: Path, url: str) -> dict[str, Check]:
    live = live_config(sandbox, folder, GATEWAY_DATABASE_URL=url, GATEWAY_SECRET=SECRET)
    try:
        return {check.name: check for check in await run_checks(live)}
    finally:
        dry_run.set(False)


async def test_check_looks_at_a_server_and_changes_nothing(
    sandbox: Sandbox, tmp_path: Path, url: str
) -> None:
    found = await checked(sandbox, tmp_path, url)
    assert found["Database"].ok
    assert found["Database"].detail.endswith("/postgres: new, it is made at the first start")
    again = await checked(sandbox, tmp_path, url)
    assert again["Database"].detail == found["Database"].detail


def _another_shop_and_a_loss(db: Any) -> None:
    identities.pin(db, "shopify", Identity("9", "", "other"), 1.0)
    removals.notice(db, [7], "gone", 1.0)
    removals.hold(db, 7, 1.0)


async def test_check_says_what_a_server_holds_and_who_uses_it(
    sandbox: Sandbox, tmp_path: Path, url: str
) -> None:
    me = Gateway("ab", "machine-a", "http://127.0.0.1:1", "1.0")
    async with Lease(url, me, ["aa"]) as lease:
        engine = Postgres(url, lease=lease)
        await engine.open()
        await engine.write(_another_shop_and_a_loss)
        found = await checked(sandbox, tmp_path, url)
        await engine.close()
    assert "known, 0 links, 0 open deliveries; in use on machine-a" in found["Database"].detail
    assert not found["Removals"].ok
    assert "shop accept" in found["Shopify"].detail, "it is another shop than the one it knows"


async def test_check_of_a_server_that_is_not_there_says_so_without_a_password(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    found = await checked(sandbox, tmp_path, "postgresql://gateway:zqzq@127.0.0.1:1/shop")
    assert not found["Database"].ok
    assert "reached" in found["Database"].detail
    assert "zqzq" not in str(found)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (("backup", "monday.db"), "pg_dump"),
        (("restore", "monday.db"), "pg_basebackup"),
        (("database", "copy", "postgresql://u@127.0.0.1/other"), "it should be a file of SQLite"),
    ],
)
async def test_what_is_about_the_file_is_refused_with_what_does_it_there(
    shell: Shell, command: tuple[str, ...], names: str
) -> None:
    address = "postgresql://gateway:zqzq@127.0.0.1:1/shop"
    refused = await shell.run(*command, GATEWAY_DATABASE_URL=address, GATEWAY_SECRET=SECRET)
    assert refused.code == 2
    assert names in refused.err
    assert "zqzq" not in refused.err + refused.out
    assert [each.name for each in shell.folder.iterdir()] == []
