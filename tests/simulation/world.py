"""Everything of one run: the loop, the systems around the gateway, the gateway, and the trace."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any, TypeVar

import orjson

from gateway.app import Role
from gateway.app.config import Config, LiveConfig, load
from gateway.errors import StorageError
from gateway.sandbox import (
    HubspotOptions,
    ShopifyOptions,
    SmaregiOptions,
)
from gateway.sandbox.call import Description
from gateway.sandbox.hubspot import Hubspot
from gateway.sandbox.shopify import Shopify as Shop
from gateway.sandbox.shopify.records import WebhookSubscription
from gateway.sandbox.webhooks import Delivery as Hook
from gateway.sandbox.webhooks import Webhooks
from gateway.settings.sources import Sources
from gateway.sync.webhooks import SUBSCRIBED
from tests.simulation import clock
from tests.simulation.disk import Disk
from tests.simulation.loop import EventLoop
from tests.simulation.network import Network, Request
from tests.simulation.post import Post
from tests.simulation.process import NOBODY, Gateway, Reply
from tests.simulation.purse import Store
from tests.simulation.weather import Weather

__all__ = ["OPERATOR", "URL", "World", "current"]

T = TypeVar("T")

URL = "http://127.0.0.1:8080"
OPERATOR = {"Authorization": "Bearer the-operators-own-key"}
_FOLDER = Path(mkdtemp(prefix="simulation-"))


class _Playing:
    world: "World | None" = None


_playing = _Playing()


def current() -> "World":
    """The world that is simulated now."""
    assert _playing.world is not None, "nothing is simulated now"
    return _playing.world


class _Hooks(Webhooks):
    """Hands each webhook to the world, which delivers it late, twice or out of order."""

    def __init__(self, post: Callable[[Hook], None]) -> None:
        super().__init__(1.0)
        self._deliver = post

    def send(self, delivery: Hook) -> None:
        self._deliver(delivery)


@lru_cache(maxsize=64)
def _config(settings: tuple[tuple[str, str], ...]) -> Config:
    return load(Sources(dict(settings), {}))


class World:
    """One run's. `run(play)` plays a scenario in it from the beginning to its end."""

    def __init__(self, seed: int | str, settings: Mapping[str, str] | None = None) -> None:
        self.dice = Random(f"{seed} scenario")
        self.chance = Random(f"{seed} chance")
        order = Random(f"{seed} order")
        self.loop = EventLoop(order, order.choice((0.0, 0.0, 0.1, 0.5)))  # type: ignore[abstract]
        self.ahead = 0.0
        self.trace: list[str] = []
        self.requests: list[Request] = []
        self.disk = Disk(Random(f"{seed} disk"))
        self.weather = Weather(Random(f"{seed} weather"))
        self.hooks = Random(f"{seed} hooks")
        self.hook_delay = (0.01, 1.0)
        self.hook_twice = 0.0
        self.hook_lost = 0.0
        self.hooks_under_way = 0
        self.settings = dict(settings or {})
        self.gateway: Gateway | None = None
        self.findings: list[str] = []
        self._awaited: dict[str, asyncio.Event] = {}

    def _build_systems(self) -> None:
        wall = self.wall
        self.shopify = Shop(ShopifyOptions(bucket=1e7, restore=1e6), wall)
        self.smaregi = Store(SmaregiOptions(webhook_url=f"{URL}/webhooks/smaregi"), wall)
        self.hubspot = Hubspot(HubspotOptions(), wall)
        self.shopify.webhooks = _Hooks(self._hook)
        self.smaregi.webhooks = _Hooks(self._hook)
        self.post = Post(self.loop, self._fate, self.say)
        self.network = Network(
            self.loop,
            {"shopify": self.shopify, "smaregi": self.smaregi, "crm": self.hubspot},
            self._fate,
            self._heard,
        )

    def _environment(self) -> dict[str, str]:
        shop, till, crm = self.shopify.options, self.smaregi.options, self.hubspot.options
        return {
            "SHOPIFY_STORE": shop.store,
            "SHOPIFY_ACCESS_TOKEN": shop.access_token,
            "SHOPIFY_BASE_URL": "https://shopify",
            "SHOPIFY_WEBHOOK_SECRET": shop.client_secret,
            "SMAREGI_CONTRACT_ID": till.contract_id,
            "SMAREGI_CLIENT_ID": till.client_id,
            "SMAREGI_CLIENT_SECRET": till.client_secret,
            "SMAREGI_API_URL": "https://smaregi",
            "SMAREGI_ID_URL": "https://smaregi",
            "SMAREGI_WEBHOOK_SECRET": till.webhook_secret,
            "HUBSPOT_ACCESS_TOKEN": crm.access_token,
            "HUBSPOT_BASE_URL": "https://crm",
            "SMTP_HOST": "localhost",
            "SMTP_PORT": "25",
            "SMTP_TLS": "none",
            "EMAIL_FROM": "shop@example.com",
            "FLAG_SMAREGI": "on",
            "FLAG_CRM": "on",
            "FLAG_EMAIL": "on",
            "FLAG_UPDATES": "on",
            "GATEWAY_DATABASE_URL": f"sqlite:///{_FOLDER / 'gateway.db'}",
            "GATEWAY_SECRET": "a secret of the tests alone",
            "GATEWAY_OPERATOR_KEYS": "the-operators-own-key",
            "GATEWAY_RETRY_SCHEDULE": "1,2,4,8,8,8,8,8,8,8",
            "GATEWAY_RATE_LIMIT": "100000",
        }

    # -- the clocks

    def wall(self) -> float:
        return clock.EPOCH + self.loop.time() + self.ahead

    def monotonic(self) -> float:
        return self.loop.time()

    # -- what is said of it

    def say(self, text: str) -> None:
        self.trace.append(f"{self.loop.time():.6f} {text}")

    def find(self, kind: str, text: str) -> None:
        self.findings.append(f"{kind}: {text}")

    def _heard(self, request: Request) -> None:
        self.requests.append(request)
        fate = request.fate.says
        self.say(f"{request.system} {request.what.operation} {fate} {request.status}")

    def _fate(self, system: str, what: Description) -> Any:
        for match, seen in list(self._awaited.items()):
            if any(match in label for label in (what.operation, *what.labels)):
                del self._awaited[match]
                seen.set()
        return self.weather(system, what)

    async def while_asked(self, match: str, seconds: float) -> bool:
        """Returns as the next request of that name is on its way, at the latest after `seconds`."""
        seen = self._awaited.setdefault(match, asyncio.Event())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await seen.wait()
        return seen.is_set()

    # -- running

    def run(self, play: "Callable[[World], Coroutine[Any, Any, T]]") -> T:
        outer = _playing.world
        _playing.world = self
        try:
            self._build_systems()
            self.settings = {**self._environment(), **self.settings}
            return self.loop.run(play(self))
        finally:
            self.disk.close()
            _playing.world = outer

    # -- the gateway

    def _sources(self) -> Sources:
        return Sources(self.settings, {})

    async def start(self, role: Role = Role.SERVE) -> Gateway:
        """A gateway on what the disk holds; the last one must have ended."""
        live = LiveConfig(_config(tuple(sorted(self.settings.items()))), self._sources)
        self.gateway = gateway = Gateway(self.loop, live, role)
        gateway.start()
        await gateway.ready.wait()
        if gateway.failed is None:
            self.say("started")
            return gateway
        self.say(f"not started: {gateway.failed}")
        if not isinstance(gateway.failed, StorageError):
            raise gateway.failed
        await asyncio.sleep(1.0)  # as systemd does
        return await self.start(role)

    async def stop(self) -> None:
        """SIGTERM; nobody owns the file then."""
        gateway, self.gateway = self.gateway, None
        if gateway is not None and not gateway.life.over:
            await gateway.stop()
            gateway.life.over = True
            self.say("stopped")

    def kill(self) -> None:
        if self.gateway is not None:
            self.say("killed")
            self.gateway.kill()

    async def restart(self) -> None:
        self.kill()
        await self.start()

    def set(self, **settings: str) -> None:
        """An edit of `.env` that the gateway has just noticed."""
        self.settings |= settings
        self.say(f"set {sorted(settings.items())}")
        if self.gateway is not None and self.gateway.core is not None:
            self.gateway.inside().run(self.gateway.live.reload)

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        return asyncio.create_task(coroutine)

    # -- callers

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        if self.gateway is None:
            return NOBODY
        raw = b"" if body is None else orjson.dumps(body)
        given = {"Content-Type": "application/json", **(headers or {})}
        reply = await self.gateway.ask(method, path, raw, given)
        names = [str((body or {}).get(name)) for name in ("email", "first_name") if body]
        self.say(f"{method} {path.partition('?')[0]} {reply.status} {' '.join(names)}")
        if reply.status == 500:
            self.find("broken", f"{method} {path} was answered 500")
        return reply

    def subscribe(self) -> None:
        """Shopify's webhooks arrive from now on; Smaregi's always do."""
        store = self.shopify.store
        for topic in SUBSCRIBED:
            made = WebhookSubscription(
                store.new_id(), topic, f"{URL}/webhooks/shopify", "JSON", self.wall(), self.wall()
            )
            store.subscriptions[made.id] = made

    def _hook(self, hook: Hook) -> None:
        """A webhook on its way: late, twice, or lost; not answered 2xx, it comes again."""
        if self.hooks.random() < self.hook_lost:
            return
        for _ in range(2 if self.hooks.random() < self.hook_twice else 1):
            self.hooks_under_way += 1
            self.loop.call_later(self.hooks.uniform(*self.hook_delay), self._deliver, hook, 0)

    def _deliver(self, hook: Hook, tries: int) -> None:
        self.loop.create_task(self._post(hook, tries))

    async def _post(self, hook: Hook, tries: int) -> None:
        reply = NOBODY
        if self.gateway is not None:
            path = hook.url.removeprefix(URL)
            reply = await self.gateway.ask("POST", path, hook.body, hook.headers)
        self.say(f"hook {hook.tag} {reply.status}")
        if not 200 <= reply.status < 300 and tries < 8:
            self.loop.call_later(5.0 * (tries + 1), self._deliver, hook, tries + 1)
        else:
            self.hooks_under_way -= 1
