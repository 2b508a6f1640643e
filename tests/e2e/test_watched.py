"""What an operator watches: health, metrics and logs, without personal data."""

import asyncio
import logging
import threading

import pytest

from gateway.app import readiness
from gateway.sandbox import Fault
from tests.e2e.evidence import (
    CHANNELS,
    AlertBox,
    assert_problem,
    personal_data_in,
)
from tests.e2e.many_deliveries import listed, mixed
from tests.world import World


async def test_the_process_lives_and_is_ready_though_every_upstream_is_down(
    quick: World,
) -> None:
    for system in ("shopify", *CHANNELS):
        quick.sandbox.faults.set(system, Fault("refuse"))
    assert (await quick.get("/healthz")).status == 200
    assert (await quick.get("/readyz")).status == 200


async def test_it_is_ready_while_everybody_waits_for_the_database(
    quick: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_PATIENCE", 0.02)
    end = threading.Event()
    busy = [
        asyncio.ensure_future(quick.core.db.write(lambda _: end.wait(30), (n,))) for n in range(4)
    ]
    waiting = asyncio.create_task(quick.register())
    try:
        for _ in range(3):
            assert (await quick.get("/readyz")).status == 200
        assert not waiting.done()
    finally:
        end.set()
    await asyncio.gather(*busy)
    assert (await waiting).status == 201


async def test_every_metric_begins_with_gateway(quick: World) -> None:
    await mixed(quick)
    text = (await quick.get("/metrics")).raw.decode()
    names = [line.split("{")[0].split()[0] for line in text.splitlines() if line[0] != "#"]
    assert names
    assert [name for name in names if not name.startswith("gateway_")] == []
    assert 'gateway_deliveries{channel="crm",outcome="retrying"} 3.0' in text
    assert 'gateway_deliveries{channel="email",outcome="failed"} 3.0' in text
    assert "gateway_intents_open 0.0" in text


async def test_an_intent_that_waits_for_shopify_is_a_metric(quick: World) -> None:
    quick.sandbox.faults.set("shopify", Fault("status", status=500))
    assert_problem(await quick.register(), 503)
    assert "gateway_intents_open 1.0" in (await quick.get("/metrics")).raw.decode()


# -- no personal data anywhere but where it belongs


TALKATIVE = "taro@example.com 山田 太郎 090-1234-5678 道玄坂"


async def test_no_personal_data_in_logs_alerts_errors_or_metrics(
    impatient: World, alerts: AlertBox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"title": TALKATIVE, "message": TALKATIVE, "detail": TALKATIVE}
    answers = [Fault("status", status=status, body=body) for status in (400, 409, 500, 422)]
    answers += [Fault("reset"), Fault("hang"), Fault("garbage"), Fault("half"), Fault("drop")]
    for number, fault in enumerate(answers, 1):
        for channel in ("smaregi", "crm"):
            impatient.sandbox.faults.set(channel, fault)
        spoken = Fault("status", status=550, body=TALKATIVE, match="RCPT")
        impatient.sandbox.faults.set("email", spoken)
        await impatient.register(number=number)
        impatient.sandbox.faults.clear()
        await impatient.replay()
    impatient.sandbox.faults.set("shopify", Fault("status", status=500, body=body))
    await impatient.register(number=50)
    await impatient.register(number=51, email="taro@")
    impatient.sandbox.faults.clear()
    impatient.sandbox.shopify.add_customer(email="taro60@example.com", state="ENABLED")
    await impatient.register(number=60)
    await impatient.get("/v1/registrations/taro@example.com")
    await impatient.get("/v1/deliveries?channel=taro@example.com")
    await impatient.settled()
    for record in caplog.records:
        text = logging.Formatter("%(message)s").format(record)  # with its traceback, if any
        if record.name.startswith("gateway"):
            assert personal_data_in(text) == [], record
    assert list(alerts.personal()) == []
    assert alerts.texts
    assert personal_data_in((await impatient.get("/metrics")).raw.decode()) == []
    for row in await listed(impatient):
        assert personal_data_in(row["message"] or "") == []


async def test_no_library_logs_personal_data_at_the_levels_that_serve_shows(
    quick: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for channel in CHANNELS:
        quick.sandbox.faults.set(channel, Fault("reset", times=1))
    await quick.register()
    await quick.replay()
    for record in caplog.records:
        assert personal_data_in(logging.Formatter("%(message)s").format(record)) == [], record
