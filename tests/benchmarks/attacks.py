"""Honest sign-ups beside each attack: none may be lost, and p50 may at most double.

    python -m tests.benchmarks.attacks [seconds] [attack ...]

The gateway is a process of its own; stand-ins, honest storefront and attacker are this process.
First the sign-ups alone, then beside each attack, in turn. Everything is bounded; nothing leaves
loopback. Exit code 1 where an attack got through.
"""

import asyncio
import gzip
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson
import uvloop

from gateway.sandbox import Sandbox
from tests.attacks.raw import head
from tests.benchmarks.children import free_port, serving
from tests.benchmarks.people import sign_ups
from tests.benchmarks.unlimited import unlimited

PORT = free_port()
EVERY = 0.1
"""Seconds between two honest sign-ups."""
ROWS = 300_000
_BOMB = gzip.compress(b" " * 200_000_000)


@dataclass(slots=True)
class Seen:
    taken: list[float] = field(default_factory=list)
    lost: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.taken) if self.taken else float("inf")


async def honest(url: str, first: int, seconds: float) -> Seen:
    """A new connection for each sign-up, as from many servers."""
    seen, running = Seen(), []
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one(body: bytes) -> None:
            began = time.perf_counter()
            try:
                headers = {"Content-Type": "application/json"}
                async with asyncio.timeout(10):
                    async with session.post(url, data=body, headers=headers) as response:
                        await response.read()
                        seen.lost += response.status != 201
                seen.taken.append(time.perf_counter() - began)
            except (aiohttp.ClientError, TimeoutError):
                seen.lost += 1

        for body in sign_ups(first, int(seconds / EVERY)):
            running.append(asyncio.create_task(one(orjson.dumps(body))))
            await asyncio.sleep(EVERY)
        await asyncio.gather(*running)
    return seen


async def _hold(count: int, sent: bytes) -> None:
    """So many connections with no more than this said; each is opened again once it is closed."""

    async def one(number: int) -> None:
        await asyncio.sleep(number / 600)
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
                try:
                    writer.write(sent)
                    await reader.read()
                finally:
                    writer.close()
            await asyncio.sleep(2.0)

    await asyncio.gather(*(one(number) for number in range(count)))


async def _again(rate: float, sent: bytes, *, dropped: bool = False) -> None:
    """The same request so many times a second; its connection cut in the middle if `dropped`."""

    async def one() -> None:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            try:
                writer.write(sent)
                if dropped:
                    await asyncio.sleep(0.05)
                    writer.transport.abort()
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(5):
                        await reader.read(65536)
            finally:
                writer.close()

    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(one())
            await asyncio.sleep(1 / rate)


def _bomb() -> bytes:
    lines = ("Content-Encoding: gzip", f"Content-Length: {len(_BOMB)}")
    return head("/healthz", *lines, method="GET") + _BOMB


def _webhook(sent: int) -> bytes:
    lines = ("X-Shopify-Topic: customers/update", f"X-Shopify-Hmac-Sha256: {'A' * 43}=")
    return head("/webhooks/shopify", *lines, "Content-Length: 250000") + b"x" * sent


_JSON = ("Content-Type: application/json", "Content-Length: 500")
ATTACKS: dict[str, Callable[[], Awaitable[None]]] = {
    "compressed bodies, 10 a second": lambda: _again(10, _bomb()),
    "2500 silent connections": lambda: _hold(2500, b""),
    "1200 halves of a head": lambda: _hold(1200, b"GET /healthz HTTP/1.1\r\nHost: x"),
    "300 slow webhooks": lambda: _hold(300, _webhook(100_000)),
    "metrics, 50 a second": lambda: _again(50, head("/metrics", method="GET")),
    "dropped bodies, 50 a second": lambda: _again(
        50, head("/v1/registrations", *_JSON) + b"{", dropped=True
    ),
}


def fill(database: Path) -> None:
    """Open deliveries, long before the gateway starts."""
    with sqlite3.connect(database) as db:
        db.execute(
            f"""WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up LIMIT {ROWS})
                INSERT INTO deliveries (customer_id, channel, kind, outcome, created_at, updated_at)
                SELECT n, 'crm', 'update', 'failed', 1, 1 FROM up"""
        )
    db.close()


def resident(pid: int) -> int:
    """MiB."""
    return (
        int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        * os.sysconf("SC_PAGE_SIZE")
        // 2**20
    )


@asynccontextmanager
async def gateway() -> AsyncIterator[tuple[str, int]]:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        async with Sandbox(unlimited()) as sandbox:
            environment = sandbox.environment() | {
                "FLAG_SMAREGI": "on",
                "FLAG_CRM": "on",
                "FLAG_EMAIL": "on",
                "FLAG_UPDATES": "on",
            }
            async with serving(environment, folder, PORT):
                pass  # makes the schema
            fill(folder / "gateway.db")
            async with serving(environment, folder, PORT) as served:
                await asyncio.sleep(3)
                yield f"http://127.0.0.1:{PORT}/v1/registrations", served.pid


async def main(seconds: float, names: list[str]) -> bool:
    held = True
    async with gateway() as (url, pid):
        await honest(url, 1, 2)
        alone = await honest(url, 10_000, seconds)
        print(f"{'alone':34} p50 {alone.median * 1000:6.0f} ms, lost {alone.lost}", flush=True)
        for number, (name, attack) in enumerate(ATTACKS.items(), 2):
            if names and not any(word in name for word in names):
                continue
            attacking = asyncio.ensure_future(attack())
            await asyncio.sleep(1.0)
            seen = await honest(url, number * 10_000, seconds)
            size = resident(pid)
            attacking.cancel()
            await asyncio.gather(attacking, return_exceptions=True)
            well = seen.lost == 0 and seen.median <= 2 * alone.median
            held = held and well
            print(
                f"{name:34} p50 {seen.median * 1000:6.0f} ms, lost {seen.lost}, {size} MiB"
                f"{'' if well else '   <- got through'}",
                flush=True,
            )
            await asyncio.sleep(1.0)
    return held


if __name__ == "__main__":
    given = float(sys.argv[1]) if len(sys.argv) > 1 else 6.0
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(0 if runner.run(main(given, sys.argv[2:])) else 1)
