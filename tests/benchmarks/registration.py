"""What a registration costs: CPU and throughput beside a bare handler, in turn, in one run.

    python -m tests.benchmarks.registration [registrations] [concurrency] [rounds]

The bare handler makes the same calls for a sign-up as the gateway: `each` asks for its own list of
changed members, without which nobody can be matched by e-mail; `shared` shares one among as many
as the gateway does, which is hard on the gateway, since that is its work; `none` leaves it out.

Both servers are processes of their own; the stand-ins and the load are this process. CPU is user
and system time of the server's process. Everything is bounded; nothing leaves loopback.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import uvloop

from gateway.sandbox import (
    HubspotOptions,
    Sandbox,
    SandboxOptions,
    ShopifyOptions,
    SmaregiOptions,
)
from tests.benchmarks.people import sign_ups

BARE = ("bare none", "bare shared", "bare each")
ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


def unlimited() -> SandboxOptions:
    return SandboxOptions(
        shopify=ShopifyOptions(bucket=1e7, restore=1e6),
        smaregi=SmaregiOptions(reads_per_second=None, writes_per_second=None),
        hubspot=HubspotOptions(per_ten_seconds=1_000_000),
        journal_limit=1000,
    )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@asynccontextmanager
async def server(
    arguments: list[str], port: int, environment: dict[str, str], folder: Path
) -> AsyncIterator[int]:
    """The server's process id, once it listens."""
    environment |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 15)


async def load(url: str, first: int, count: int, concurrency: int) -> list[float]:
    """Sends `count` registrations, of different people; the seconds that each took."""
    taken: list[float] = []
    bodies = [orjson.dumps(body) for body in sign_ups(first, count)]
    headers = {"Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one() -> None:
            while bodies:
                body = bodies.pop()
                began = time.perf_counter()
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()
                    assert response.status == 201, await response.text()
                taken.append(time.perf_counter() - began)

        await asyncio.gather(*(one() for _ in range(concurrency)))
    return taken


async def measure(name: str, count: int, concurrency: int, first: int) -> tuple[float, float]:
    """(CPU milliseconds a registration, registrations a second)."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        async with Sandbox(unlimited()) as sandbox:
            port = 18_080 if name == "gateway" else 18_081
            environment = sandbox.environment() | {
                "FLAG_SMAREGI": "on",
                "FLAG_CRM": "on",
                "FLAG_EMAIL": "on",
                "FLAG_UPDATES": "on",
                "GATEWAY_PORT": str(port),
                "GATEWAY_RATE_LIMIT": "100000",
                "SMAREGI_READS_PER_SECOND": "1000",
                "SMAREGI_WRITES_PER_SECOND": "1000",
            }
            gateway = [str(ROOT / "main.py"), "serve", "--log-level", "warning"]
            bare = ["-m", "tests.benchmarks.bare", str(port), *name.split()[1:]]
            arguments = gateway if name == "gateway" else bare
            async with server(arguments, port, environment, folder) as pid:
                url = f"http://127.0.0.1:{port}/v1/registrations"
                await load(url, first, 50, 4)
                await asyncio.sleep(3)  # what is loaded in the background at start is loaded
                before, began = cpu_seconds(pid), time.perf_counter()
                taken = await load(url, first + 50, count, concurrency)
                elapsed, cpu = time.perf_counter() - began, cpu_seconds(pid) - before
    print(
        f"{name:11} {cpu / count * 1000:6.2f} ms CPU a registration, {count / elapsed:6.0f}/s, "
        f"median {statistics.median(taken) * 1000:.0f} ms",
        flush=True,
    )
    return cpu / count * 1000, count / elapsed


async def main(count: int, concurrency: int, rounds: int) -> None:
    results: dict[str, list[float]] = {name: [] for name in (*BARE, "gateway")}
    for turn in range(rounds):
        for number, name in enumerate(results):
            first = 1 + (turn * len(results) + number) * (count + 100)
            cpu, _ = await measure(name, count, concurrency, first)
            results[name].append(cpu)
    medians = {name: statistics.median(values) for name, values in results.items()}
    for name in BARE:
        print(f"gateway / {name}: {medians['gateway'] / medians[name]:.2f} (CPU, medians)")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]] + [1000, 16, 3][len(sys.argv) - 1 :]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*given))
