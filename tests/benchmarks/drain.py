"""How fast a backlog is sent once its channel may, and whether that takes memory.

    python -m tests.benchmarks.drain [waiting] [writes a second]

So many people sign up while Smaregi is held. Then its flag is turned on, and the stand-in allows so
many writes a second, as the gateway is told; by default 2000 people and 20 a second, as Smaregi
allows. The bars: 95 % of the limit from the first write to the last, none of them refused, and no
more memory at the end than in the middle, but for 2 MiB. The gateway is a process of its own,
everything on loopback.
"""

import asyncio
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import uvloop

from gateway.sandbox import Sandbox, SandboxOptions, ShopifyOptions, SmaregiOptions
from tests.benchmarks.children import cpu_seconds, free_port, quiet, resident_mib, serving
from tests.benchmarks.people import sign_ups

PORT = free_port()
SHARE, GROWTH = 0.95, 2.0
AT_ONCE = 8


@dataclass(slots=True)
class Drained:
    """`times`: of each look, seconds; `made`, `resident`: members and MiB at that time."""

    limit: int
    times: list[float] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)
    refused: int = 0
    cpu: float = 0.0

    @property
    def share(self) -> float:
        """Of the limit, from the first look that saw a member to the first that saw all."""
        first = next(at for at, made in enumerate(self.made) if made)
        written = self.made[-1] - self.made[first]
        return written / (self.times[-1] - self.times[first]) / self.limit

    def _resident_at(self, share: float) -> float:
        return next(
            mib
            for made, mib in zip(self.made, self.resident, strict=True)
            if made >= share * self.made[-1]
        )

    @property
    def growth(self) -> float:
        """MiB, from the middle to the end."""
        return self.resident[-1] - self._resident_at(0.5)

    def __str__(self) -> str:
        begin, middle, end = self.resident[0], self._resident_at(0.5), self.resident[-1]
        return (
            f"{self.made[-1]} in {self.times[-1]:.1f} s: {self.share:.1%} of {self.limit} a second,"
            f" {self.refused} refused; {begin:.1f} MiB before, {middle:.1f} in the middle,"
            f" {end:.1f} at the end; {1000 * self.cpu / self.made[-1]:.1f} ms of the processor each"
        )

    def holds(self) -> bool:
        return self.share >= SHARE and not self.refused and self.growth <= GROWTH


async def measure(waiting: int, limit: int) -> Drained:
    options = SandboxOptions(
        shopify=ShopifyOptions(bucket=1e7, restore=1e6),
        smaregi=SmaregiOptions(writes_per_second=limit),
    )
    with tempfile.TemporaryDirectory() as text:
        async with Sandbox(options) as sandbox:
            settings = sandbox.environment() | {
                "FLAG_CRM": "off",
                "FLAG_EMAIL": "off",
                "GATEWAY_RATE_LIMIT": "1000000",
                "SMAREGI_WRITES_PER_SECOND": str(limit),
            }
            flags = Path(text) / ".env"
            flags.write_text("FLAG_SMAREGI=hold\n")
            async with serving(settings, Path(text), PORT) as gateway:
                await _signed_up(waiting)
                await quiet(gateway.pid)
                flags.write_text("FLAG_SMAREGI=on\n")
                return await _watched(sandbox, gateway.pid, waiting, Drained(limit))


async def _signed_up(waiting: int) -> None:
    bodies = sign_ups(1, waiting)
    async with aiohttp.ClientSession() as session:

        async def some() -> None:
            for body in bodies:
                url = f"http://127.0.0.1:{PORT}/v1/registrations"
                async with session.post(url, json=body) as answer:
                    assert answer.status == 201, await answer.text()

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def _watched(sandbox: Sandbox, pid: int, waiting: int, drained: Drained) -> Drained:
    members, now = sandbox.smaregi.members, asyncio.get_running_loop().time
    before, began, cpu = len(members), now(), cpu_seconds(pid)
    async with asyncio.timeout(60 + 2 * waiting / drained.limit):
        while not drained.made or drained.made[-1] < waiting:
            drained.times.append(now() - began)
            drained.made.append(len(members) - before)
            drained.resident.append(resident_mib(pid))
            await asyncio.sleep(0.05)
    drained.cpu = cpu_seconds(pid) - cpu
    drained.refused = sum(one.status == 429 for one in sandbox.journal.of("smaregi"))
    return drained


async def main(waiting: int, limit: int) -> int:
    drained = await measure(waiting, limit)
    print(drained, flush=True)
    return 0 if drained.holds() else 1


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]] + [2000, 20][len(sys.argv) - 1 :]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main(given[0], given[1])))
