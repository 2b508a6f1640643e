"""A gateway on loopback, wired to the stand-ins.

Everything goes through the real front door; the stand-ins' state and journal are the judges.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp

from flags.flag import variable
from gateway.app import Core, Role, open_core
from gateway.app.config import LiveConfig, load
from gateway.channels import ROSTER
from gateway.console import sites
from gateway.outcomes import Delivery, DeliveryFilter
from gateway.sandbox import Sandbox, SandboxOptions
from gateway.settings.sources import Sources
from gateway.store import outbox
from tests.conformance.listed import unlisted
from tests.described import undescribed
from tests.people import FORM

__all__ = ["OPERATOR", "TARO", "World", "a_world", "registration"]

TARO = FORM

OPERATOR = {"Authorization": "Bearer the-operators-own-key"}

ALL_ON = {
    **dict.fromkeys((*(variable(spec.name) for spec in ROSTER), "FLAG_UPDATES"), "on"),
    "FLAG_POINTS_EARN": "off",
    "FLAG_POINTS_SPEND": "off",
}


def registration(number: int = 0, **changes: Any) -> dict[str, Any]:
    """TARO, or somebody else with an e-mail and a phone of their own; None leaves a field out."""
    body = dict(TARO)
    if number:
        body |= {"email": f"taro{number}@example.com", "phone": f"090-1{number:03}-5678"}
    body |= changes
    return {name: value for name, value in body.items() if value is not None}


class World:
    """`core` is the running gateway, `sandbox` everything around it."""

    def __init__(self, folder: Path, sandbox: Sandbox, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.settings = {
            **sandbox.environment(),
            **ALL_ON,
            "GATEWAY_PORT": "0",
            "GATEWAY_DATABASE_URL": f"sqlite:///{folder / 'gateway.db'}",
            "GATEWAY_SECRET": "a secret of the tests alone",
            "GATEWAY_OPERATOR_KEYS": "the-operators-own-key",
            **settings,
        }
        self._stack = AsyncExitStack()
        self.core: Core
        self.live: LiveConfig
        self.url = ""
        self.session: aiohttp.ClientSession

    async def start(self, role: Role = Role.SERVE) -> Self:
        self.live = LiveConfig(load(self._sources()), self._sources)
        self._stack = AsyncExitStack()
        self.core = await self._stack.enter_async_context(open_core(self.live, role, seconds=2))
        self.core.exposition.seconds = 0.0  # a test asks again at once
        self.url = await self._stack.enter_async_context(sites(self.core, self.live))
        self.session = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    def _sources(self) -> Sources:
        return Sources(self.settings, {})

    @property
    def file(self) -> Path:
        """Of SQLite."""
        return self.live.current.gateway.database_path

    async def stop(self) -> None:
        await self._stack.aclose()

    async def restart(self, **settings: str) -> None:
        """Stop, change settings, and start on the same database."""
        await self.stop()
        self.settings |= settings
        await self.start()

    def set(self, **settings: str) -> None:
        """Change settings while the gateway runs, as an edit of `.env` does."""
        self.settings |= settings
        self.live.reload()

    async def register(
        self, body: Any = None, *, headers: Mapping[str, str] | None = None, **changes: Any
    ) -> "Reply":
        return await self.post(
            "/v1/registrations", registration(**changes) if body is None else body, headers=headers
        )

    async def post(
        self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> "Reply":
        headers = _allowed(path, headers)
        async with self.session.post(self.url + path, json=body, headers=headers) as response:
            return await Reply.of(response)

    async def patch(
        self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> "Reply":
        async with self.session.patch(self.url + path, json=body, headers=headers) as response:
            return await Reply.of(response)

    async def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> "Reply":
        given = {} if body is None else {"json": body}
        url = f"{self.url}{path}"
        async with self.session.request(method, url, headers=headers, **given) as response:
            return await Reply.of(response)

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> "Reply":
        headers = _allowed(path, headers)
        async with self.session.get(self.url + path, headers=headers) as response:
            return await Reply.of(response)

    async def deliveries(self, **chosen: Any) -> list[Delivery]:
        """The outbox, oldest first."""
        wanted = DeliveryFilter(**chosen)
        return await self.core.db.read(
            lambda db: outbox.find(db, wanted, limit=10_000, oldest_first=True)
        )

    async def replay(self, **chosen: Any) -> int:
        """`POST /v1/deliveries/replay`, waited for to its end."""
        reply = await self.post("/v1/deliveries/replay", chosen)
        assert reply.status == 202, reply.body
        await self.settled()
        count: int = reply.body["count"]
        return count

    async def make_due(self) -> None:
        """The time of each delivery's next attempt has come."""
        await self.core.db.write(lambda db: db.execute("UPDATE deliveries SET next_attempt_at = 0"))
        self.core.worker.wake()

    async def settled(self, seconds: float = 30.0) -> None:
        """Until nothing is under way any more."""
        await self.until(lambda: not self.core.deliverer.has_work(), seconds)

    async def until(self, condition: Callable[[], Any], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)


def _allowed(path: str, headers: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """Deliveries are an operator's; who tells headers tells them all."""
    return OPERATOR if headers is None and path.startswith("/v1/deliveries") else headers


class Reply:
    def __init__(self, status: int, headers: Mapping[str, str], raw: bytes, body: Any) -> None:
        self.status = status
        self.headers = headers
        self.raw = raw
        self.body = body

    @classmethod
    async def of(cls, response: aiohttp.ClientResponse) -> Self:
        raw = await response.read()
        json = "json" in response.content_type
        body = await response.json(content_type=None) if json and raw else None
        wrong = undescribed(
            response.method, response.url.path, response.status, response.headers, body
        )
        assert wrong is None, f"not as the OpenAPI document says: {wrong}"
        return cls(response.status, response.headers, raw, body)

    def channel(self, name: str) -> Any:
        return self.body["channels"][name]


@asynccontextmanager
async def a_world(
    folder: Path, options: SandboxOptions | None = None, **settings: str
) -> AsyncIterator[World]:
    """Settings are given as `a_world(tmp_path, FLAG_CRM="off")`."""
    async with Sandbox(options) as sandbox:
        world = World(folder, sandbox, settings)
        await world.start()
        try:
            yield world
        finally:
            await world.stop()
        assert (found := unlisted(sandbox.journal.asked)) == [], f"see tests/conformance: {found}"
