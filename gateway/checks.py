"""Asking the systems without the gateway's own database: `check`, and `webhooks install`.

`check` asks each something harmless; the dry-run guard refuses any write.
"""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from flags import Mode
from gateway.app import Core
from gateway.channels import ROSTER, Check
from gateway.channels.smaregi import SmaregiSettings
from gateway.config import LiveConfig
from gateway.errors import ConfigurationError, ErrorClass, UpstreamError
from gateway.events import SUBSCRIBED
from gateway.metrics import Metrics
from gateway.shopify import Subscribed
from gateway.store import Database, Keys
from gateway.wire import Wire, dry_run

__all__ = ["install_webhooks", "run_checks"]

_MENDING = {
    ErrorClass.AUTH: "check the credentials and the scopes of the app",
    ErrorClass.CONNECTION: "check the address, the network and the firewall",
    ErrorClass.TIMEOUT: "check the address, the network and the firewall",
    ErrorClass.RATE_LIMIT: "wait a moment and try again",
    ErrorClass.UNAVAILABLE: "the system has trouble of its own: try again later",
    ErrorClass.INVALID_DATA: "check the contract id, the store and the API version",
}


async def run_checks(live: LiveConfig) -> list[Check]:
    """One line a system that is in use; the database of the gateway is not touched."""
    dry_run.set(True)
    async with _core(live) as core:
        return await _checks(core)


@asynccontextmanager
async def _core(live: LiveConfig) -> AsyncIterator[Core]:
    """On a database of its own that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database(Path(folder) / "check.db")
        await db.open()
        try:
            async with Wire(lambda: live.current.gateway.gateway_upstream_timeout) as wire:
                yield Core(live, db, Keys("only for this check"), wire, Metrics())
        finally:
            await db.close()


async def install_webhooks(live: LiveConfig) -> list[Subscribed]:
    """Every topic that the gateway wants, and what became of it."""
    address = _address(live)
    if address is None or live.current.shopify.webhook_secret is None:
        raise ConfigurationError(_lacking(live))
    async with _core(live) as core:
        try:
            return await core.subscriptions.install(address, [*SUBSCRIBED])
        except UpstreamError as error:
            detail = _failed("Shopify", error).detail
            return [Subscribed(topic, "failed", detail) for topic in SUBSCRIBED]


def _address(live: LiveConfig) -> str | None:
    url = live.current.gateway.gateway_public_url
    return f"{url}/webhooks/shopify" if url else None


def _lacking(live: LiveConfig) -> list[str]:
    config, problems = live.current, []
    if config.gateway.gateway_public_url is None:
        problems.append("GATEWAY_PUBLIC_URL: is not set; it should hold this gateway's address")
    if config.shopify.webhook_secret is None:
        problems.append("SHOPIFY_WEBHOOK_SECRET: is not set; it should hold the client secret")
    return problems


async def _checks(core: Core) -> list[Check]:
    found = [await _shopify(core), *await _guarded("Webhooks", _webhooks(core))]
    for spec in ROSTER:
        channel = core.deliverer.routes[spec.name].channel
        if core.live.current.flags[spec.name].mode is Mode.OFF:
            found.append(Check(spec.title, ok=True, detail="its flag is off: not asked"))
            continue
        found += await _guarded(spec.title, channel.check())
        await channel.close()
    return found


async def _shopify(core: Core) -> Check:
    try:
        name, lacking = await core.shopify.check()
    except UpstreamError as error:
        return _failed("Shopify", error)
    if lacking:
        return Check("Shopify", ok=False, detail=f"grant the app {', '.join(lacking)}")
    return Check("Shopify", ok=True, detail=f"shop {name}: token and scopes are right")


async def _webhooks(core: Core) -> Sequence[Check]:
    """Asked for only where GATEWAY_PUBLIC_URL says that they are wanted."""
    address = _address(core.live)
    if address is None:
        detail = "GATEWAY_PUBLIC_URL is not set: changes made elsewhere arrive within the hour only"
        return [Check("Webhooks", ok=True, detail=detail)]
    lacking = _lacking(core.live)
    smaregi = core.live.current.sections["smaregi"]
    if isinstance(smaregi, SmaregiSettings) and smaregi.smaregi_webhook_secret is None:
        lacking.append("SMAREGI_WEBHOOK_SECRET: is not set; Smaregi's webhooks are refused")
    if lacking:
        return [Check("Webhooks", ok=False, detail="; ".join(lacking))]
    looked = await core.subscriptions.look(address, [*SUBSCRIBED])
    missing = [SUBSCRIBED[each.topic] for each in looked if each.state == "missing"]
    detail = "Shopify sends every topic"
    if missing:
        detail = f"run `webhooks install`: Shopify does not send {', '.join(missing)}"
    return [Check("Webhooks", ok=not missing, detail=detail)]


async def _guarded(title: str, check: Awaitable[Sequence[Check]]) -> Sequence[Check]:
    try:
        return await check
    except UpstreamError as error:
        return [_failed(title, error)]


def _failed(title: str, error: UpstreamError) -> Check:
    hint = _MENDING.get(error.error_class, "see the answer in its own console")
    return Check(title, ok=False, detail=f"{error.error_class}: {error}; {hint}")
