"""What `check` says of settings."""

from pathlib import Path

from gateway.app.checks import run_checks
from gateway.app.config import LiveConfig, load
from gateway.channels import Check
from gateway.sandbox import Sandbox
from gateway.settings.sources import Sources
from tests.world import ALL_ON

__all__ = ["checked", "live_config"]


def live_config(sandbox: Sandbox, folder: Path, **settings: str) -> LiveConfig:
    own = {
        "GATEWAY_DATABASE_URL": f"sqlite:///{folder / 'gateway.db'}",
        "GATEWAY_UPSTREAM_TIMEOUT": "5",
    }
    environment = {**sandbox.environment(), **ALL_ON, **own, **settings}
    return LiveConfig(load(Sources(environment, {})))


async def checked(sandbox: Sandbox, folder: Path, **settings: str) -> dict[str, Check]:
    """What is not plainly well, by its name."""
    checks = await run_checks(live_config(sandbox, folder, **settings))
    return {check.name: check for check in checks if check.warns or not check.ok}
