"""privacy show and erase, as a person types them."""

import pytest

from gateway.sandbox import Sandbox
from tests.cli.process import Shell, register


async def test_who_is_not_known_is_nobodys_rows(shell: Shell) -> None:
    done = await shell.run("privacy", "show", "nobody@example.com")
    assert done.code == 0, done.err
    assert "Nothing is held here." in done.out
    assert "nobody@" not in done.out + done.err
    wrong = await shell.run("privacy", "erase", "nobody", "--yes")
    assert wrong.code == 2
    assert "Name an e-mail address" in wrong.err


@pytest.mark.long
async def test_a_person_is_shown_and_erased_beside_a_running_gateway(
    shell: Shell, sandbox: Sandbox
) -> None:
    async with shell.serving() as (gateway, url):
        (answer,) = await register(url, 1)
        shown = await shell.run("privacy", "show", "taro1@example.com")
        assert shown.code == 0, shown.err
        assert answer["member_number"] in shown.out
        assert "In the other systems" in shown.out
        rehearsed = await shell.run("privacy", "erase", "taro1@example.com", "--dry-run")
        assert "Dry run: nothing was done." in rehearsed.out
        unanswered = await shell.run("privacy", "erase", "taro1@example.com")
        assert unanswered.code == 1
        assert "Shopify still has them" in unanswered.out
        (row,) = (await shell.run("privacy", "erase", answer["id"], "--yes", "--json")).rows()
        assert row["erased"]["registrations"] == 1
        assert await shell.rows() == []
        again = await shell.run("privacy", "erase", answer["member_number"], "--yes")
        assert (again.code, "Erased here: nothing." in again.out) == (0, True)
        assert "taro1" not in gateway.log
    assert sandbox.shopify.customers
