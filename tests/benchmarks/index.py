"""What the index of a very large shop costs: scan, look-ups, refresh, disk and memory.

    python -m tests.benchmarks.index [members] [reads_per_second]

The stand-in is a process of its own, this one is the gateway's part: the real client with its
rates, the index, the database. The bar of the scan is 1.1 times what four fifths of the reads
allow; of a look-up 1 ms. Everything is bounded; nothing leaves loopback.
"""

import asyncio
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from gateway.channels.smaregi.client import SmaregiClient
from gateway.channels.smaregi.lists import PAGE
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.http.upkeep import calm_collector
from gateway.matching import MemberIndex
from gateway.normalize import load_places
from gateway.store import Database, Keys, members
from gateway.store.members import Member
from gateway.wire import Wire

ROOT = Path(__file__).parents[2]
LOOK_UPS = 2000


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def stand_in(count: int, folder: Path) -> AsyncIterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.members", str(port), str(count), str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        while process.poll() is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 15)


def memory(name: str) -> int:
    """MB of this process: `VmRSS` now, `VmHWM` at most."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.split(f"{name}:")[1].split()[0]) // 1024


def disk(database: Path) -> str:
    sizes = [database.with_name(database.name + end) for end in ("", "-wal")]
    return " + ".join(f"{path.stat().st_size / 1e6:.1f}" for path in sizes) + " MB (file + WAL)"


def spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    median = statistics.median(ordered)
    return (
        f"median {median * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms, worst {ordered[-1] * 1000:.1f} ms"
    )


async def timed(work: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


@asynccontextmanager
async def beside(pause: float, work: Callable[[], Awaitable[Any]]) -> AsyncIterator[list[float]]:
    """Does `work` again and again meanwhile; the seconds that each took."""
    taken: list[float] = []

    async def again() -> None:
        while True:
            taken.append(await timed(work))
            await asyncio.sleep(pause)

    task = asyncio.create_task(again())
    try:
        yield taken
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def scan(name: str, index: MemberIndex, count: int, reads: float) -> None:
    allowed = (count // PAGE + 1) / (reads * 0.8)
    before = cpu()
    async with beside(0.01, lambda: asyncio.sleep(0)) as lag:
        seconds = await timed(lambda: index.start_scan(again=index.ready))
    own, child = (after - earlier for after, earlier in zip(cpu(), before, strict=True))
    print(
        f"{name}: {seconds:.2f} s, allowed by the rate {allowed:.2f} s, factor"
        f" {seconds / allowed:.3f}; {count / seconds:.0f} rows/s; CPU {own:.1f} s here"
        f" + {child:.1f} s in the hashing process\n"
        f"  the event loop's turns beside it: {spread(lag)}",
        flush=True,
    )


def cpu() -> tuple[float, float]:
    """Of this process, and of those it has started and seen the end of."""
    whom = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, child = (resource.getrusage(each) for each in whom)
    return own.ru_utime + own.ru_stime, child.ru_utime + child.ru_stime


async def look_ups(db: Database, sample: list[Member]) -> None:
    kinds: dict[str, Callable[[Any, Any], list[Member]]] = {
        "email": lambda d, m: members.by_email(d, m.email_key),
        "all that makes two alike": members.alike,
        "customerNo": lambda d, m: [m] * (not members.number_taken(d, m.code)),
    }
    for name, look_up in kinds.items():
        taken, found = [], 0

        async def one(member: Member, look_up: Any = look_up) -> int:
            return len(await db.read(lambda d: look_up(d, member)))

        for member in sample:
            began = time.perf_counter()
            found += await one(member)
            taken.append(time.perf_counter() - began)
        print(f"look-up by {name}: {spread(taken)}; {found / len(sample):.1f} found each")


async def a_sample(db: Database, count: int) -> list[Member]:
    ids = random.Random(1).choices(range(1, count + 1), k=LOOK_UPS)
    names = members.COLUMNS
    return await db.read(
        lambda d: [
            Member(*d.execute(f"SELECT {names} FROM members WHERE member_id = ?", (i,)).fetchone())
            for i in ids
        ]
    )


async def refreshes(index: MemberIndex, url: str) -> None:
    async with aiohttp.ClientSession() as session:
        taken = []
        for _ in range(10):
            async with session.post(f"{url}/change", params={"count": 90}) as answer:
                await answer.read()
            taken.append(await timed(index.fresh))
        print(f"refresh with 90 changed rows: {spread(taken)}")


async def main(count: int, reads: float) -> None:
    load_places()  # as `serve` does before it listens
    print(f"{count} members, {reads:g} reads/s", flush=True)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        async with stand_in(count, folder) as url, Wire(lambda: 8.0) as wire:
            settings = SmaregiSettings(
                smaregi_contract_id="bench",
                smaregi_client_id="c",
                smaregi_client_secret="s",
                smaregi_api_url=url,
                smaregi_id_url=url,
                smaregi_reads_per_second=reads,
            )
            client = SmaregiClient(wire, lambda: settings, time.monotonic)
            db = Database(folder / "gateway.db")
            await db.open()
            index = MemberIndex(db, Keys("a secret of the benchmark"), client)
            await index.open()
            calm_collector()  # as `serve` does
            rss = memory("VmRSS")
            try:
                async with beside(0.01, lambda: asyncio.sleep(0)) as lag:
                    await asyncio.sleep(3)
                print(f"the event loop's turns at rest: {spread(lag)}")
                await scan("first scan", index, count, reads)
                print(f"memory: {rss} MB before, at most {memory('VmHWM')} MB; {disk(db.path)}")
                child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
                print(f"  the hashing process: at most {child} MB")
                assert await index.size() == count
                sample = await a_sample(db, count)
                await look_ups(db, sample)
                await refreshes(index, url)
                emails = iter(range(1, 1 << 40))

                async def live() -> None:
                    await index.fresh()
                    await index.by_email(f"member.{next(emails)}@example.jp")

                async with beside(0.05, live) as taken:
                    await scan("members refresh, 20 sign-ups/s beside it", index, count, reads)
                print(f"  refresh and look-up of a sign-up beside it: {spread(taken)}")
                print(f"memory at most {memory('VmHWM')} MB; {disk(db.path)}")
            finally:
                await index.close()
                await db.close()


if __name__ == "__main__":
    given = [float(text) for text in sys.argv[1:]] + [1_000_000, 50][len(sys.argv) - 1 :]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(given[0]), given[1]))
