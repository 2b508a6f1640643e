"""`check` names what a system's answer shows: a scope, an outage, a login, a clock."""

import time
from pathlib import Path

import pytest

from gateway.app.checks import run_checks
from gateway.sandbox import Fault, Sandbox
from tests.cli.mistakes.checking import checked, live_config


async def test_a_scope_that_is_lacking_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.set("crm", Fault(kind="status", status=403, match="/contacts"))
    (check,) = (await checked(sandbox, tmp_path)).values()
    assert "grant the key the scope crm.objects.contacts.read" in check.detail


@pytest.mark.parametrize(
    ("status", "said"),
    [(402, "Shopify has frozen it"), (404, "there is no such shop"), (503, "check again later")],
)
async def test_what_shopify_answers_instead_is_told_apart(
    sandbox: Sandbox, tmp_path: Path, status: int, said: str
) -> None:
    sandbox.faults.set("shopify", Fault(kind="status", status=status))
    (check,) = (await checked(sandbox, tmp_path)).values()
    assert check.name == "Shopify"
    assert said in check.detail


async def test_connected_is_not_logged_in(sandbox: Sandbox, tmp_path: Path) -> None:
    checks = {each.name: each for each in await run_checks(live_config(sandbox, tmp_path))}
    assert checks["Mail server"].detail == (
        "connected, not logged in: SMTP_USERNAME is not set; nothing was sent"
    )


@pytest.mark.parametrize(
    ("ahead", "said"), [(3720, "1 h 2 min ahead of the systems'"), (-90000, "25 h 0 min behind")]
)
async def test_a_clock_that_is_wrong_is_told_by_the_answers_date(
    sandbox: Sandbox, tmp_path: Path, ahead: int, said: str
) -> None:
    checks = await run_checks(live_config(sandbox, tmp_path), clock=lambda: time.time() + ahead)
    (clock,) = [check for check in checks if check.name == "Clock"]
    assert not clock.ok
    assert f"this machine's clock is {said}" in clock.detail


async def test_a_clock_that_is_right_is_not_spoken_of(sandbox: Sandbox, tmp_path: Path) -> None:
    names = {check.name for check in await run_checks(live_config(sandbox, tmp_path))}
    assert "Clock" not in names
