"""Connections that say nothing, or half of something, and too many of them."""

import asyncio
import resource
from contextlib import AsyncExitStack

import pytest

from gateway.http import connections, protocol
from gateway.http.connections import Connections, Limits
from gateway.telemetry.logs import log_to_stderr
from tests.attacks.raw import connected, head, is_closed
from tests.world import World, registration


@pytest.fixture
async def hasty(monkeypatch: pytest.MonkeyPatch, world: World) -> World:
    """Deadlines that a test can wait for."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 0.6)
    await world.restart()
    return world


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: ", b"\r\n"])
async def test_who_sends_no_whole_head_is_closed_in_time(hasty: World, sent: bytes) -> None:
    async with connected(hasty.url) as (reader, writer):
        writer.write(sent)
        assert await is_closed(reader, 2.0)
    text = (await hasty.get("/metrics")).raw.decode()
    assert 'gateway_connections_ended_total{reason="slow_head"} 1.0' in text


async def test_a_head_that_trickles_is_closed_too(hasty: World) -> None:
    async with connected(hasty.url) as (reader, writer):
        closed = asyncio.create_task(is_closed(reader, 2.0))
        for byte in head("/healthz", "X-Long: " + "x" * 200, method="GET"):
            if closed.done():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
        assert await closed


async def test_a_connection_that_rests_is_closed_in_time_and_not_before(hasty: World) -> None:
    async with connected(hasty.url) as (reader, writer):
        for _ in range(3):
            writer.write(head("/healthz", method="GET"))
            assert b" 200 " in await reader.readuntil(b'"ok"}')
            await asyncio.sleep(0.4)  # longer than a head may take
        assert await is_closed(reader, 2.0)


async def test_a_second_head_that_is_never_finished_is_closed(hasty: World) -> None:
    async with connected(hasty.url) as (reader, writer):
        writer.write(head("/healthz", method="GET"))
        await reader.readuntil(b'"ok"}')
        writer.write(b"GET /healthz HT")
        assert await is_closed(reader, 2.0)
    assert 'reason="slow_head"' in (await hasty.get("/metrics")).raw.decode()


async def test_a_body_may_take_longer_than_a_head(hasty: World) -> None:
    async with connected(hasty.url) as (reader, writer):
        lines = ("Content-Type: application/json", "Content-Length: 2")
        writer.write(head("/v1/registrations", *lines))
        await asyncio.sleep(0.5)
        writer.write(b"{}")
        assert b" 422 " in await reader.readuntil(b"\r\n\r\n")


async def test_a_head_without_end_is_closed_at_32_kib(world: World) -> None:
    async with connected(world.url) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        for number in range(60):
            writer.write(f"X-{number}: {'x' * 1000}\r\n".encode())
            await asyncio.sleep(0)
        assert await is_closed(reader, 2.0)


async def crowded(world: World, limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "of_this_process", classmethod(lambda cls: limits))
    await world.restart()


async def test_silent_connections_make_room_and_nobody_honest_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await crowded(world, Limits(20, 20), monkeypatch)
    async with AsyncExitStack() as stack:
        for _ in range(60):
            await stack.enter_async_context(connected(world.url))
        replies = [await world.register(number=n) for n in (1, 2, 3)]
        text = (await world.get("/metrics")).raw.decode()
    assert [reply.status for reply in replies] == [201] * 3
    assert "gateway_connections_open 20.0" in text
    assert 'gateway_connections_ended_total{reason="replaced"}' in text
    assert "connections: a silent one was closed" in caplog.text


async def test_where_all_are_busy_a_newcomer_is_refused_early_and_told_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crowded(world, Limits(5, 5), monkeypatch)
    busy = head("/v1/registrations", "Content-Type: application/json", "Content-Length: 9")
    async with AsyncExitStack() as stack:
        for _ in range(5):
            _, writer = await stack.enter_async_context(connected(world.url))
            writer.write(busy)
            await asyncio.sleep(0.02)
        async with connected(world.url) as (reader, _):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in answer
        assert b"too-many-connections" in answer
    await asyncio.sleep(0.2)
    text = (await world.get("/metrics")).raw.decode()
    assert 'gateway_connections_ended_total{reason="refused"} 1.0' in text


async def test_one_address_has_a_share_and_others_are_not_hurt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await crowded(world, Limits(20, 4, lambda address: address == "127.0.0.9"), monkeypatch)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(connected(world.url))
        mine = [
            await stack.enter_async_context(connected(world.url, source="127.0.0.9"))
            for _ in range(12)
        ]
        await asyncio.sleep(0.1)
        closed = [await is_closed(reader, 0.02) for reader, _ in mine]
        assert closed == [True] * 8 + [False] * 4
        assert "gateway_connections_open 6.0" in (await world.get("/metrics")).raw.decode()


def test_a_proxy_s_address_has_no_share_of_its_own() -> None:
    for address in ("127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "172.17.0.1", "fd00::1", ""):
        assert not connections.is_public(address)
    for address in ("1.1.1.1", "2606:4700::1111"):
        assert connections.is_public(address)


def test_descriptors_are_raised_and_some_kept_back(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: set_to.append(pair))
    connections.raise_descriptors()
    assert set_to == [(4096, 4096)]
    assert Limits.of_this_process().in_all == 1024 - 400


@pytest.mark.usefixtures("log_as_before")
def test_a_refusal_is_counted_each_time_and_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("warning")
    counted: list[str] = []
    door = Connections(Limits(0, 0), counted.append)
    for _ in range(100):
        door.end("refused")
    assert len(counted) == 100
    assert len(capsys.readouterr().err.splitlines()) == 1


async def test_who_does_not_take_the_answer_is_closed(
    monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    """Metrics are asked for again and again, and never read."""
    monkeypatch.setattr(protocol, "ANSWER_SECONDS", 0.3)
    async with connected(world.url) as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(100):
            writer.write(head("/metrics", method="GET") * 20)
        await world.until(
            lambda: b'reason="unread"' in world.core.metrics.text(),
            8.0,
        )
    assert (await world.register(registration(7))).status == 201
