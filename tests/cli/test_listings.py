"""deliveries and flags: tables for people, and with --json the HTTP API's fields."""

import aiohttp
import pytest

from gateway.app.config import FLAGS
from gateway.outcomes import Delivery, Kind, Outcome
from gateway.responses.bodies import delivery_row
from gateway.sandbox import Fault, Sandbox
from tests.cli.process import Shell, register
from tests.world import registration

FIELDS = set(
    delivery_row(
        Delivery(
            1, None, 1, "crm", Kind.REGISTRATION, Outcome.PENDING, None, None, 0, 1, None, None,
            None, None, None, (), 0.0, 0.0, None,
        )
    )
)  # fmt: skip


async def _two_registrations(shell: Shell, sandbox: Sandbox) -> None:
    """The first one's CRM contact is refused, everything else arrives."""
    sandbox.faults.set("crm", Fault(kind="status", status=500, times=1, match="POST /contacts"))
    async with shell.serving() as (gateway, url):
        await register(url, 1)
        sandbox.faults.clear()
        await register(url, 2)
        assert await gateway.stop() == 0


@pytest.mark.long
async def test_deliveries_are_listed_newest_first_with_the_apis_fields(
    shell: Shell, sandbox: Sandbox
) -> None:
    await _two_registrations(shell, sandbox)
    listing = await shell.run("deliveries", "list", "--json")
    rows = listing.rows()
    assert len(rows) == 6
    assert all(set(row) == FIELDS for row in rows)
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert [r["id"] for r in (await shell.run("deliveries", "list", "--limit", "2", "--json"))
            .rows()] == [row["id"] for row in rows[:2]]  # fmt: skip
    table = await shell.run("deliveries", "list", "--outcome", "retrying")
    assert table.code == 0
    assert "unavailable" in table.out
    assert table.out.count("gid://") == 0
    assert "taro" not in listing.out + table.out  # a Message-ID has the sender's domain


@pytest.mark.long
async def test_summary_and_status_say_what_is_wrong_and_who_is_needed(
    shell: Shell, sandbox: Sandbox
) -> None:
    calm = await shell.run("status")
    assert (calm.code, "nothing needs a person" in calm.out) == (0, True)
    assert (await shell.run("deliveries", "summary")).out == "No open deliveries.\n"
    refusal = Fault(kind="status", status=550, body="5.1.1 No such user", match="RCPT")
    sandbox.faults.set("email", refusal)
    async with shell.serving() as (gateway, url):
        await register(url, 1)
        await register(url, 2)
        (status,) = (await shell.run("status", "--json")).rows()
        assert status["serving"]
        assert {row["state"] for row in status["systems"]} == {"working"}
        assert await gateway.stop() == 0
    (cause,) = (await shell.run("deliveries", "summary", "--json")).rows()
    assert (cause["count"], cause["reason"]) == (2, "550 5.1.1 No such user")
    summary = await shell.run("deliveries", "summary")
    assert cause["mend"] in summary.out
    needed = await shell.run("status")
    assert needed.code == 1
    assert "2 deliveries failed" in needed.out
    assert "unknown" in needed.out  # nobody serves
    listing = await shell.run("deliveries", "list", "--limit", "1", "--outcome", "failed")
    assert "1 of 2 shown." in listing.out


async def test_an_empty_listing_says_so_and_is_no_failure(shell: Shell) -> None:
    done = await shell.run("deliveries", "list")
    assert (done.code, done.out) == (0, "No deliveries.\n")
    assert (await shell.run("deliveries", "list", "--json")).out == ""


@pytest.mark.long
async def test_one_delivery_is_shown_with_its_attempts(shell: Shell, sandbox: Sandbox) -> None:
    await _two_registrations(shell, sandbox)
    (row,) = await shell.rows("--outcome", "retrying")
    (shown,) = (await shell.run("deliveries", "show", str(row["id"]), "--json")).rows()
    (attempt,) = shown.pop("tries")
    assert shown == row
    assert attempt["error_class"] == "unavailable"
    assert attempt["counted"] is True
    table = await shell.run("deliveries", "show", str(row["id"]))
    assert str(shown["request_id"]) in table.out
    assert max(len(line) for line in table.out.splitlines()) <= 80
    assert table.code == 0
    assert "Attempts" in table.out


@pytest.mark.long
async def test_what_was_changed_to_fit_is_shown_with_its_delivery(shell: Shell) -> None:
    async with shell.serving() as (_, url):
        long = registration(last_name="山" * 100)
        async with aiohttp.ClientSession() as session:
            await (await session.post(f"{url}/v1/registrations", json=long)).read()
        (row,) = await shell.rows("--channel", "smaregi")
        shown = await shell.run("deliveries", "show", str(row["id"]))
    assert row["adjustments"] == [{"field": "last_name", "change": "cut at 85 characters"}]
    assert "cut at 85 characters" in shown.out
    assert "山" not in shown.out


@pytest.mark.long
async def test_a_discarded_delivery_is_not_tried_again(shell: Shell, sandbox: Sandbox) -> None:
    await _two_registrations(shell, sandbox)
    (row,) = await shell.rows("--outcome", "retrying")
    unsure = await shell.run("deliveries", "discard", "--id", str(row["id"]))
    assert unsure.code != 0
    assert len(await shell.rows("--outcome", "retrying")) == 1
    done = await shell.run("deliveries", "discard", "--id", str(row["id"]), "--yes")
    assert (done.code, done.out) == (0, "1 discarded.\n")
    assert (await shell.run("replay")).out == "Nothing to replay.\n"
    assert len(await shell.rows("--outcome", "discarded")) == 1


@pytest.mark.long
async def test_deliveries_are_listed_beside_a_running_gateway(shell: Shell) -> None:
    async with shell.serving() as (_, url):
        await register(url, 1)
        assert await shell.outcomes("email") == ["delivered"]


async def test_flags_say_their_mode_reason_source_percent_and_allow(bare_shell: Shell) -> None:
    bare_shell.write_env(FLAG_CRM="on", FLAG_CRM_PERCENT="25", FLAG_CRM_ALLOW="a@example.com")
    done = await bare_shell.run("flags", "--json", FLAG_EMAIL="hold")
    assert done.code == 0, done.err
    rows = {row["flag"]: row for row in done.rows()}
    assert list(rows) == [f"FLAG_{name.upper()}" for name in FLAGS]
    assert rows["FLAG_CRM"] == {
        "flag": "FLAG_CRM",
        "mode": "on",
        "reason": "split",
        "source": ".env",
        "percent": 25.0,
        "allow": 1,
    }
    assert rows["FLAG_EMAIL"]["source"] == "environment"
    assert rows["FLAG_EMAIL"]["mode"] == "hold"
    assert rows["FLAG_SMAREGI"]["reason"] == "default"
    table = await bare_shell.run("flags")
    assert table.code == 0
    assert "dry_run" not in table.out
    assert "a@example.com" not in done.out + table.out
    assert list(bare_shell.folder.iterdir()) == [bare_shell.folder / ".env"]
