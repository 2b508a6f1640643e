"""duplicates merge, link and unlink, as a person types them."""

import re

import pytest

from gateway.sandbox import Fault, Sandbox
from tests.cli.process import Shell, register


@pytest.fixture
def two(sandbox: Sandbox) -> tuple[int, int]:
    """Two members of the till, the first with more points."""
    ids = []
    for code, points in (("A", "30"), ("B", "20")):
        ids.append(
            sandbox.smaregi.add(
                customerCode=code,
                lastName="山田",
                firstName="太郎",
                mailAddress=f"{code.lower()}@example.jp",
            )
        )
        sandbox.smaregi.edit(ids[-1], point=points)
    return ids[0], ids[1]


async def test_a_merge_shows_both_and_asks_before_it_does_anything(
    shell: Shell, sandbox: Sandbox, two: tuple[int, int]
) -> None:
    one, other = map(str, two)
    look = await shell.run("duplicates", "merge", other, one, "--dry-run")
    assert look.code == 0, look.err
    for text in ("山田 太郎", "a@example.jp", "b@example.jp", f"{one} survives", "more points"):
        assert text in look.out
    assert re.search(r"30 \+ 20 = 50", look.out)
    unasked = await shell.run("duplicates", "merge", one, other)  # nobody answers
    assert unasked.code == 1
    assert sandbox.journal.writes("smaregi") == []
    done = await shell.run("duplicates", "merge", one, other, "--yes")
    assert done.code == 0, done.err
    assert f"Member {other} was merged into member {one}." in done.out
    assert sandbox.smaregi.members[two[0]]["point"] == "50"


@pytest.mark.long
async def test_exit_codes_of_merge(shell: Shell, sandbox: Sandbox, two: tuple[int, int]) -> None:
    one, other = map(str, two)
    async with shell.serving():
        unknown = await shell.run("duplicates", "merge", one, "999", "--yes")
        assert (unknown.code, "no member 999" in unknown.err) == (2, True)
        sandbox.faults.set("smaregi", Fault("status", status=400, match="point/add", times=1))
        failed = await shell.run("duplicates", "merge", one, other, "--yes")
        assert (failed.code, "Nothing was moved" in failed.err) == (1, True)
    assert "Traceback" not in unknown.err + failed.err
    assert "example.jp" not in unknown.err + failed.err


@pytest.mark.long
async def test_unlink_and_link_beside_serve(
    shell: Shell, sandbox: Sandbox, two: tuple[int, int]
) -> None:
    async with shell.serving() as (serve, url):
        (answer,) = await register(url, 1)
        customer = answer["shopify_customer_id"]
        own = answer["channels"]["smaregi"]["reference"]
        look = await shell.run("duplicates", "unlink", customer, "--dry-run")
        assert (look.code, f"linked to member {own}" in look.out) == (0, True)
        unasked = await shell.run("duplicates", "unlink", customer)  # nobody answers
        assert unasked.code == 1
        assert sandbox.smaregi.members[int(own)]["customerCode"] == customer.rpartition("/")[2]
        gone = await shell.run("duplicates", "unlink", customer, "--no-new-member", "--yes")
        assert gone.code == 0, gone.err
        assert f"S{own}" in gone.out
        done = await shell.run("duplicates", "link", customer.rpartition("/")[2], str(two[1]))
        assert done.code == 0, done.err
        assert f"linked to member {two[1]}" in done.out
        log = serve.log
    assert sandbox.smaregi.members[two[1]]["customerNo"] == "B"
    assert "example" not in log
