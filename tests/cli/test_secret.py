"""secret rotate, as it is typed."""

import pytest

from gateway.sandbox import Sandbox
from tests.cli.process import Shell, register


@pytest.mark.long
async def test_a_secret_is_exchanged_by_hand(shell: Shell, sandbox: Sandbox) -> None:
    file = shell.folder / "gateway.db.secret"
    early = await shell.run("secret", "rotate", "--new")
    assert (early.code, file.exists()) == (2, False)
    async with shell.serving() as (gateway, url):
        await register(url, 1)
        told = await shell.run("secret", "rotate")
        assert told.code == 2
        assert "secret rotate --new" in told.err
        old = file.read_text()
        made = await shell.run("secret", "rotate", "--new")
        assert (made.code, made.err) == (0, "")
        assert file.read_text().splitlines()[1:] == old.splitlines()
        stale = await shell.run("secret", "rotate")
        assert stale.code == 2
        assert "restart it" in stale.err
        assert await gateway.stop() == 0
    async with shell.serving() as (gateway, _):
        done = await shell.run("secret", "rotate")
        assert done.code == 0, done.err
        assert "customers 1" in done.out
        assert "take it out of gateway.db.secret" in done.out
        (again,) = (await shell.run("secret", "rotate", "--json")).rows()
        assert (again["state"], again["may_go"]) == ("rotated", False)
        secrets = file.read_text().split()
        assert not [each for each in secrets if each in gateway.log + done.out]
    assert len(sandbox.shopify.customers) == 1


async def test_a_secret_of_the_settings_is_not_made_in_a_file(shell: Shell) -> None:
    told = await shell.run("secret", "rotate", "--new", GATEWAY_SECRET="x" * 16)
    assert told.code == 2
    assert "GATEWAY_SECRET" in told.err
    assert not (shell.folder / "gateway.db.secret").exists()
