"""Commands beside gateways on one PostgreSQL: they hand their work to the active one."""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from gateway.app import Role
from gateway.app.config import LiveConfig, load
from gateway.app.standing import control_key, make_lease
from gateway.cli import of_lease, run
from gateway.cli.client import Client
from gateway.errors import ConfigurationError, Unreachable
from gateway.sandbox import Fault
from gateway.settings.sources import Sources
from gateway.store.postgres import Lease, Limits
from tests.standby.gateways import Gateways, until

SOON = Limits(look=0.05)


@pytest.fixture
def live(gateways: Gateways) -> LiveConfig:
    return LiveConfig(load(Sources(gateways.settings(), {})))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, SOON)


def limited(monkeypatch: pytest.MonkeyPatch, limits: Limits) -> None:
    def made(live: LiveConfig, address: str | None) -> Lease:
        return make_lease(live, address, limits=limits)

    monkeypatch.setattr(of_lease, "make_lease", made)


async def listed(client: Client) -> int:
    return len((await client.get("/v1/deliveries"))["deliveries"])


async def refreshed(client: Client) -> dict[str, Any]:
    events = [event async for event in client.stream("/control/members/refresh", {})]
    return events[-1]


def do(live: LiveConfig, action: Callable[[Client], Any]) -> "asyncio.Task[Any]":
    return asyncio.create_task(run.with_owner(live, Role.COMMAND, action))


async def test_a_command_hands_its_work_to_the_active_gateway(
    gateways: Gateways, live: LiveConfig
) -> None:
    active, _ = await gateways.active(), await gateways.new()
    await active.register()
    assert await do(live, listed) == 3
    assert (await do(live, refreshed))["event"] == "end"


async def test_without_a_gateway_a_command_has_the_database_for_its_run(
    gateways: Gateways, live: LiveConfig, url: str
) -> None:
    active = await gateways.active()
    await active.register()
    await active.term()
    assert await do(live, listed) == 3
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT * FROM gateways").fetchall() == []


async def test_a_command_makes_way_for_a_gateway_and_goes_on_as_its_client(
    gateways: Gateways, live: LiveConfig
) -> None:
    faults = gateways.sandbox.faults
    faults.set("smaregi", Fault("hang", times=1))
    working = do(live, refreshed)
    await until(lambda: (faults.listing().get("smaregi") or [{}])[-1].get("left") == 0)
    gateway = await gateways.new()
    faults.clear()
    await until(lambda: gateway.is_active)
    assert (await working)["event"] == "end"


async def test_a_second_command_waits_for_the_first_and_says_so(
    gateways: Gateways, live: LiveConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(client: Client) -> int:
        begun.set()
        await go.wait()
        return await listed(client)

    first = do(live, slow)
    await begun.wait()
    second = do(live, listed)
    said = ""
    async with asyncio.timeout(30):
        while "waiting for its end" not in said:
            said += capsys.readouterr().err
            await asyncio.sleep(0.05)
    assert said.count("Another command on") == 1
    go.set()
    assert [*await asyncio.gather(first, second)] == [0, 0]


async def test_a_gateway_that_lives_elsewhere_is_named(
    gateways: Gateways, live: LiveConfig, url: str
) -> None:
    active = await gateways.active()
    assert active.lease is not None
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE gateways SET address = 'http://127.0.0.1:1'")
    with pytest.raises(Unreachable, match=rf"on {active.lease.me.host} .* run this there"):
        await do(live, listed)


async def test_a_gateway_that_answers_in_anothers_place_is_not_taken_for_it(
    gateways: Gateways, live: LiveConfig, url: str
) -> None:
    """Two that listen on loopback alone have the same address, each on its machine."""
    await gateways.active()
    standby = await gateways.new()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE gateways SET address = %s", (standby.url,))
    with pytest.raises(Unreachable, match="run this there"):
        await do(live, listed)


async def test_a_dead_ones_place_is_taken_by_a_command(
    gateways: Gateways, live: LiveConfig, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    dead = await gateways.active()
    await dead.register()
    dead.halt()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE gateways SET address = 'http://127.0.0.1:1'")
    limited(monkeypatch, Limits(look=0.05, death=0.3, gap=20.0))
    assert await do(live, listed) == 3


async def test_the_door_for_commands_is_for_whoever_has_the_secret(
    gateways: Gateways, live: LiveConfig
) -> None:
    active, standby = await gateways.active(), await gateways.new()
    assert active.lease is not None
    assert standby.lease is not None
    key, mine = control_key(live), active.lease.me.id
    for gateway, headers, status in (
        (active, {}, 404),
        (active, {"X-Gateway": mine}, 404),
        (active, {"X-Gateway": mine, "Authorization": f"Bearer {key[:-1]}"}, 404),
        (active, {"Authorization": f"Bearer {key}"}, 404),
        (active, {"X-Gateway": mine, "Authorization": f"Bearer {key}"}, 200),
        (standby, {"X-Gateway": mine, "Authorization": f"Bearer {key}"}, 421),
        (standby, {"X-Gateway": standby.lease.me.id, "Authorization": f"Bearer {key}"}, 503),
    ):
        async with gateway.session.get(f"{gateway.url}/control/shop", headers=headers) as response:
            assert response.status == status, headers
            assert response.headers["Server"] == "gateway" or response.status == 200


async def test_a_command_needs_the_secret_of_the_gateway_or_a_list_with_it(
    gateways: Gateways,
) -> None:
    await gateways.active()
    secret, theirs = "a newer one than theirs", gateways.settings()["GATEWAY_SECRET"]
    listed_too = f"{secret},{theirs}"
    for given, is_known in ((secret, False), (listed_too, True)):
        settings = {**gateways.settings(), "GATEWAY_SECRET": given}
        work = do(LiveConfig(load(Sources(settings, {}))), listed)
        if is_known:
            assert await work == 0
        else:
            with pytest.raises(ConfigurationError, match="GATEWAY_SECRET: is not that"):
                await work
