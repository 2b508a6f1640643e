"""Webhooks as the upstream systems send them: late, twice, in any order, or not at all."""

import asyncio
import ipaddress
import random
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

_WORKERS = 16


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook on its way. `tag` names what it is about, for tests: a topic and an id."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    tag: str
    subscription: str | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a delivery: the HTTP status, or 0 where nobody answered in time."""

    tag: str
    status: int
    attempt: int
    headers: Mapping[str, str] = field(default_factory=dict)


class Webhooks:
    """Posts deliveries to loopback addresses, with bounded concurrency.

    `retries` are the seconds before each further try of a delivery that was not answered 2xx
    within `timeout` seconds; when they are used up, `given_up` names its subscription.
    """

    def __init__(self, timeout: float, retries: Sequence[float] = (), seed: int = 0) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=min(1.0, timeout))
        self._retries = tuple(retries)
        self._random = random.Random(seed)  # noqa: S311 - draws an order, not secrets
        self._held: list[Delivery] = []
        self._paused = False
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self._session: aiohttp.ClientSession | None = None
        self.receipts: deque[Receipt] = deque(maxlen=20_000)
        self.given_up: set[str] = set()

    @property
    def held(self) -> tuple[Delivery, ...]:
        """What `pause` keeps back."""
        return tuple(self._held)

    def send(self, delivery: Delivery) -> None:
        if self._paused:
            self._held.append(delivery)
        elif self._session is not None:
            self._queue.put_nowait(delivery)

    def pause(self) -> None:
        """Keeps deliveries back until `flush`."""
        self._paused = True

    def flush(
        self, *, shuffle: bool = False, repeat: int = 1, lose: float = 0.0, resume: bool = True
    ) -> int:
        """Sends what was kept back, and the count of what is sent.

        `shuffle` sends in any order, `repeat` sends each that often, `lose` is the share (0 to 1)
        that is never sent; `resume=False` goes on keeping back what comes next.
        """
        held, self._held = self._held, []
        sent = [each for each in held if self._random.random() >= lose] * repeat
        if shuffle:
            self._random.shuffle(sent)
        self._paused = False
        for delivery in sent:
            self.send(delivery)
        self._paused = not resume
        return len(sent)

    async def settled(self) -> None:
        """Returns once nothing is queued or under way; retries that wait are not waited for."""
        await self._queue.join()

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        self._workers = [asyncio.create_task(self._work(self._session)) for _ in range(_WORKERS)]

    async def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def reset(self) -> None:
        self._held.clear()
        self.receipts.clear()
        self.given_up.clear()
        self._paused = False

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            delivery = await self._queue.get()
            try:
                await self._post(session, delivery)
            finally:
                self._queue.task_done()

    async def _post(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        status = 0
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(
                delivery.url, data=delivery.body, headers=delivery.headers, allow_redirects=False
            ) as response:
                status = response.status
        self.receipts.append(Receipt(delivery.tag, status, delivery.attempt, delivery.headers))
        if not 200 <= status < 300:
            self._again(delivery)

    def _again(self, delivery: Delivery) -> None:
        if delivery.attempt >= len(self._retries):
            if self._retries and delivery.subscription:
                self.given_up.add(delivery.subscription)
            return
        seconds = self._retries[delivery.attempt]
        later = Delivery(
            delivery.url,
            delivery.headers,
            delivery.body,
            delivery.tag,
            delivery.subscription,
            delivery.attempt + 1,
        )

        def fire() -> None:
            self._timers.discard(timer)
            self.send(later)

        timer = asyncio.get_running_loop().call_later(seconds, fire)
        self._timers.add(timer)


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine; the sandbox calls no other."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in {"http", "https"}:
            return False
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def json_headers(extra: Mapping[str, Any]) -> dict[str, str]:
    return {"Content-Type": "application/json", **{key: str(value) for key, value in extra.items()}}
