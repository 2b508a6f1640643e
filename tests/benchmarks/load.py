"""The storefront: a process that sends sign-ups and times the answers, over raw asyncio.

Each order is a `Load`, each answer a `Timed`, as JSON. What is sent is made before the clock runs.
"""

import asyncio
import random
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import orjson

from tests.benchmarks.children import obey
from tests.benchmarks.people import sign_ups

__all__ = ["Load", "Timed"]

_PATIENCE = 120.0
"""Seconds after which an answer is given up."""


@dataclass(frozen=True, slots=True)
class Load:
    """`count` sign-ups, of the people from `first` on. `rate` 0: each of the `concurrency`
    connections sends the next once the one before was answered; otherwise so many a second leave,
    whatever the answers do, on connections as needed, as strangers come: by chance, not by a clock
    that would meet that of a time-out, or of a pass over a list, each time at the same moment.
    """

    port: int
    first: int
    count: int
    concurrency: int
    rate: float = 0.0


@dataclass(slots=True)
class Timed:
    """Seconds: of the whole, and of each that was answered 201. `others`: by status."""

    elapsed: float = 0.0
    taken: list[float] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)


class Connection(asyncio.Protocol):
    """Keep-alive; one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._answered: asyncio.Future[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._settle(b"cut")

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    async def send(self, request: bytes) -> bytes:
        """The status; `cut` where the connection was."""
        if self._transport is None:
            return b"cut"
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        _, named, size = head.lower().partition(b"content-length:")
        assert named, "the answer has no length"
        if len(rest) >= int(size.partition(b"\r\n")[0]):
            self._received = b""
            self._settle(head[9:12])

    def _settle(self, status: bytes) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(status)


class Storefront:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._waiting = [_request(body) for body in sign_ups(load.first, load.count)]
        self._waiting.reverse()
        self._idle: list[Connection] = []
        self._statuses: Counter[str] = Counter()
        self._timed = Timed()

    async def run(self) -> Timed:
        self._idle = [await self._connect() for _ in range(self._load.concurrency)]
        began = time.perf_counter()
        await (self._in_time() if self._load.rate else self._in_turn())
        self._timed.elapsed = time.perf_counter() - began
        self._timed.others = dict(self._statuses)
        for connection in self._idle:
            connection.close()
        return self._timed

    async def _in_turn(self) -> None:
        async def one() -> None:
            while self._waiting:
                await self._send()

        await asyncio.gather(*(one() for _ in range(self._load.concurrency)))

    async def _in_time(self) -> None:
        at, sending = time.perf_counter(), []
        chance = random.Random(self._load.first)  # everybody gets the same
        for _ in range(self._load.count):
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            sending.append(asyncio.create_task(self._send()))
            at += chance.expovariate(self._load.rate)
        await asyncio.gather(*sending)

    async def _send(self) -> None:
        request, began = self._waiting.pop(), time.perf_counter()
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            status = (await asyncio.wait_for(connection.send(request), _PATIENCE)).decode()
        except TimeoutError:
            status = "none"
        if status == "201":
            self._timed.taken.append(time.perf_counter() - began)
        else:
            self._statuses[status] += 1
        self._idle.append(connection if connection.is_open else await self._connect())

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", self._load.port)
        return connection


def _request(sign_up: dict[str, Any]) -> bytes:
    sign_up["address"].setdefault("address2", "ABCビル 5F")
    body = orjson.dumps(sign_up)
    head = (
        "POST /v1/registrations HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _carry_out(order: dict[str, Any]) -> dict[str, Any]:
    return asdict(await Storefront(Load(**order)).run())


if __name__ == "__main__":
    obey(_carry_out)
