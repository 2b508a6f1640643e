"""Two gateways on one PostgreSQL: what each answers, and how one follows the other."""

import asyncio

import psycopg
import pytest

from gateway.errors import ConfigurationError
from gateway.http import leased
from gateway.sandbox import Fault
from gateway.store.postgres import Limits
from tests.standby.gateways import Gateways, until
from tests.world import Reply


def said(reply: Reply) -> tuple[int, str | None]:
    return reply.status, reply.body.get("type")


async def test_the_active_one_serves_and_the_other_says_that_it_stands_by(
    gateways: Gateways,
) -> None:
    active, standby = await gateways.active(), await gateways.new()
    taken = await active.register()
    assert (taken.status, taken.body["status"]) == (201, "complete")
    again = await active.request("GET", f"/v1/registrations/{taken.body['id']}")
    assert again.body["channels"] == taken.body["channels"]
    assert (await active.request("GET", "/readyz")).status == 200
    assert (await standby.request("GET", "/healthz")).status == 200
    assert (await standby.request("GET", "/metrics")).status == 200
    assert said(await standby.request("GET", "/readyz")) == (503, "standby")
    refused = await standby.register(1)
    assert said(refused) == (503, "standby")
    assert refused.headers["Retry-After"] == "1"
    assert len(gateways.sandbox.shopify.customers) == 1


async def test_the_console_of_one_that_stands_by_says_where_the_other_is(
    gateways: Gateways,
) -> None:
    await gateways.active()
    beside, apart = await gateways.new(), await gateways.new(GATEWAY_ADMIN_PORT="0")
    assert not apart.is_active
    async with beside.session.get(f"{beside.url}/admin/deliveries") as response:
        page = await response.text()
    assert response.status == 503
    assert "待機中" in page
    assert "active, on" in page


async def test_a_request_during_a_hand_over_waits_and_is_served(gateways: Gateways) -> None:
    active, standby = await gateways.active(), await gateways.new()
    await active.register()
    ending = asyncio.create_task(active.term())
    await until(lambda: active.stop.is_set() and active.lease and active.lease.me.leaving)
    replies = await asyncio.gather(*(standby.register(n) for n in range(1, 4)))
    assert [(each.status, each.body["status"]) for each in replies] == [(201, "complete")] * 3
    await ending
    assert standby.is_active
    assert active.ended == []
    assert len(gateways.sandbox.shopify.customers) == 4


async def test_what_is_under_way_ends_before_the_next_one_is_active(gateways: Gateways) -> None:
    active, standby = await gateways.active(), await gateways.new()
    faults = gateways.sandbox.faults
    faults.set("shopify", Fault("hang", match="customerCreate", times=1))
    under_way = asyncio.create_task(active.register())
    await until(lambda: faults.listing()["shopify"][-1]["left"] == 0)
    ending = asyncio.create_task(active.term())
    await until(lambda: active.lease and active.lease.me.leaving)
    assert not standby.is_active
    faults.clear()
    assert (await under_way).status == 201
    await ending
    await until(lambda: standby.is_active)
    assert len(gateways.sandbox.shopify.customers) == 1


async def test_one_that_stands_by_has_looked_through_its_memory_before_anybody_waits(
    gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []
    monkeypatch.setattr(leased, "calm_collector", lambda: looked.append(True))
    await gateways.active()
    before = len(looked)
    standby = await gateways.new()
    await until(lambda: len(looked) > before)
    assert not standby.is_active


async def test_one_that_stands_by_leaves_at_once_and_leaves_nothing(
    gateways: Gateways, url: str
) -> None:
    active, standby = await gateways.active(), await gateways.new()
    await standby.term()
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT id FROM gateways").fetchall()
    assert active.lease is not None
    assert rows == [(active.lease.me.id,)]
    assert standby.ended == []


async def test_whoever_is_halted_is_followed_and_ends_at_once(gateways: Gateways) -> None:
    """What it owed is sent by the next one, once."""
    halted = await gateways.active()
    gateways.sandbox.faults.set("crm", Fault("hang", times=1))
    taken = asyncio.create_task(halted.register())
    await until(lambda: len(gateways.sandbox.mail.messages) == 1)
    halted.halt()
    following = await gateways.new(Limits(look=0.05, death=0.3, gap=20.0))
    await until(lambda: following.is_active)
    assert halted.lease is not None
    await halted.lease._one_round()
    await until(lambda: halted.ended == [1])
    assert not halted.lease.trusted()
    taken.cancel()
    gateways.sandbox.faults.clear()
    assert following.core is not None
    await until(lambda: len(gateways.sandbox.hubspot.contacts) == 1)
    assert len(gateways.sandbox.shopify.customers) == 1


async def test_whoever_follows_is_active_at_once_though_no_upstream_answers(
    gateways: Gateways,
) -> None:
    """Who they are was known before, and is asked beside; what they owe waits for them."""
    active = await gateways.active()
    standby = await gateways.new(GATEWAY_UPSTREAM_TIMEOUT="60")
    await active.register()
    for system in ("shopify", "smaregi", "crm", "email"):
        gateways.sandbox.faults.set(system, Fault("hang"))
    ending = asyncio.create_task(active.term())
    await until(lambda: standby.is_active)
    assert (await standby.request("GET", "/readyz")).status == 200
    gateways.sandbox.faults.clear()
    await ending


async def test_another_secret_does_not_stand_beside(gateways: Gateways) -> None:
    await gateways.active()
    other = await gateways.new(GATEWAY_SECRET="another one than the others")
    assert other.task is not None
    with pytest.raises(ConfigurationError, match="GATEWAY_SECRET"):
        await other.task


async def test_gateways_that_are_set_otherwise_are_told_once(
    gateways: Gateways, caplog: pytest.LogCaptureFixture
) -> None:
    active = await gateways.active()
    await gateways.new(GATEWAY_LOG_FORMAT="json")
    other = await gateways.new(FLAG_CRM="hold")
    assert active.core is not None
    alerts = active.core.alerts
    await until(lambda: len(alerts.last) == 1)
    assert "differ from those of the active one" in alerts.last[0][1].told()
    assert b"gateway_config_differs 1.0" in active.core.metrics.text()
    await other.term()
    await until(lambda: b"gateway_config_differs 0.0" in active.core.metrics.text())
    assert len(alerts.last) == 1
