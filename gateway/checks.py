"""`check`: each system is asked something harmless; the dry-run guard refuses any write."""

import tempfile
from collections.abc import Awaitable, Sequence
from pathlib import Path

from flags import Mode
from gateway.app import Core
from gateway.channels import ROSTER, Check
from gateway.config import LiveConfig
from gateway.errors import ErrorClass, UpstreamError
from gateway.metrics import Metrics
from gateway.store import Database, Keys
from gateway.wire import Wire, dry_run

__all__ = ["run_checks"]

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
    with tempfile.TemporaryDirectory() as folder:
        db = Database(Path(folder) / "check.db")
        await db.open()
        try:
            async with Wire(lambda: live.current.gateway.gateway_upstream_timeout) as wire:
                keys = Keys("only for this check")
                return await _checks(Core(live, db, keys, wire, Metrics()))
        finally:
            await db.close()


async def _checks(core: Core) -> list[Check]:
    found = [await _shopify(core)]
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


async def _guarded(title: str, check: Awaitable[Sequence[Check]]) -> Sequence[Check]:
    try:
        return await check
    except UpstreamError as error:
        return [_failed(title, error)]


def _failed(title: str, error: UpstreamError) -> Check:
    hint = _MENDING.get(error.error_class, "see the answer in its own console")
    return Check(title, ok=False, detail=f"{error.error_class}: {error}; {hint}")
