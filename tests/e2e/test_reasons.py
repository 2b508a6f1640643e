"""The upstream's own reason is kept with the attempt, without values, and groups what is open."""

import json
import logging
from functools import partial
from typing import Any

import pytest

from gateway.sandbox import Fault
from tests.e2e.evidence import personal_data_in
from tests.world import World

SMAREGI = {
    "type": "about:blank",
    "title": "Bad Request",
    "detail": "[mailAddress] taro@example.com (山田 太郎 様, 090-1234-5678) は使用できません",
}
MEMBER_COLUMNS = [
    {
        "isValid": False,
        "message": "taro@example.com is bad",
        "error": "INVALID_EMAIL",
        "name": "email",
    }
]
HUBSPOT = {
    "status": "error",
    "category": "VALIDATION_ERROR",
    "message": f"Property values were not valid: {json.dumps(MEMBER_COLUMNS)}",
}
SMTP = "5.1.1 <taro@example.com>: Recipient address rejected: User taro 山田 unknown"

REASONS = {
    "smaregi": "Bad Request: [mailAddress] … (… 様, …) は使用できません",
    "crm": "VALIDATION_ERROR, INVALID_EMAIL email",
    "email": "550 5.1.1 …: Recipient address rejected: User … unknown",
}


def refuse_all(world: World) -> None:
    world.sandbox.faults.set(
        "smaregi", Fault("status", status=400, body=SMAREGI, match="POST /customers")
    )
    world.sandbox.faults.set(
        "crm", Fault("status", status=400, body=HUBSPOT, match="POST /contacts")
    )
    world.sandbox.faults.set("email", Fault("status", status=550, body=SMTP, match="RCPT"))


async def test_each_upstreams_reason_is_kept_without_values(
    quick: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refuse_all(quick)
    await quick.register()
    rows: list[dict[str, Any]] = (await quick.get("/v1/deliveries")).body["deliveries"]
    assert {row["channel"]: row["reason"] for row in rows} == REASONS
    for row in rows:
        told = await quick.core.db.read(partial(_attempts, delivery_id=row["id"]))
        assert told == [REASONS[row["channel"]]]
    assert personal_data_in(json.dumps(rows, ensure_ascii=False) + caplog.text) == []


def _attempts(db: Any, delivery_id: int) -> list[str | None]:
    rows = db.execute("SELECT reason FROM attempts WHERE delivery_id = ?", (delivery_id,))
    return [row[0] for row in rows]


async def test_a_reason_ends_with_what_it_was_of(quick: World) -> None:
    refuse_all(quick)
    await quick.register()
    quick.sandbox.faults.clear()
    await quick.replay()
    rows = (await quick.get("/v1/deliveries")).body["deliveries"]
    assert {(row["outcome"], row["reason"]) for row in rows} == {("delivered", None)}


async def test_a_reason_that_names_no_customer_groups_all_of_them(quick: World) -> None:
    refuse_all(quick)
    for number in (1, 2, 3):
        await quick.register(number=number)
    found = await quick.core.overview.causes()
    counted = {(c.channel, c.outcome, c.error_class, c.count) for c in found}
    assert counted == {(name, "failed", "invalid_data", 3) for name in REASONS}
    assert {c.reason for c in found if c.channel == "crm"} == {REASONS["crm"]}


async def test_what_waits_untried_has_the_reason_of_what_was_tried(quick: World) -> None:
    """An outage is one cause, not one of those that found out and one of the rest."""
    down = {"title": "Service Unavailable", "detail": "メンテナンス中です"}
    quick.sandbox.faults.set("smaregi", Fault("status", status=503, body=down))
    for number in range(1, 9):
        await quick.register(number=number)
    assert quick.core.deliverer.routes["smaregi"].circuit.cause is not None
    (cause,) = await quick.core.overview.causes()
    assert (cause.channel, cause.count) == ("smaregi", 8)
    assert cause.reason == "Service Unavailable: メンテナンス中です"


async def test_the_status_says_what_is_paused_and_who_is_needed(quick: World) -> None:
    status = await quick.core.overview.status()
    assert status["needs_a_person"] == []
    assert {s["system"]: s["state"] for s in status["systems"]} == dict.fromkeys(
        ("shopify", "smaregi", "crm", "email"), "working"
    )
    quick.set(FLAG_SMAREGI="hold")
    quick.sandbox.faults.set("crm", Fault("status", status=401))
    refuse = Fault("status", status=550, body=SMTP, match="RCPT")
    quick.sandbox.faults.set("email", refuse)
    await quick.register()
    status = await quick.core.overview.status()
    states = {s["system"]: s for s in status["systems"]}
    assert (states["crm"]["state"], states["crm"]["error_class"]) == ("paused", "auth")
    assert states["crm"]["since"] is not None
    assert states["smaregi"]["state"] == "hold"
    assert len(status["needs_a_person"]) == 2
    assert {row["channel"]: row["outcome"] for row in status["open"]} == {
        "smaregi": "held",
        "crm": "retrying",
        "email": "failed",
    }
    assert status["members"]["complete"]
    assert status["database"]["bytes"] > 0
    assert personal_data_in(json.dumps(status, ensure_ascii=False)) == []
