"""Gateways on one PostgreSQL, around one sandbox."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sandbox import Sandbox
from tests.standby.gateways import Gateways
from tests.standby.machines import Machines, machines
from tests.store.postgres.cluster import MISSING, programs
from tests.store.postgres.conftest import cluster, url

__all__ = ["cluster", "found", "gateways", "url"]


@pytest.fixture
async def gateways(url: str) -> AsyncIterator[Gateways]:
    async with Sandbox() as sandbox, Gateways(url, sandbox) as found:
        yield found


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Machines]:
    """Real processes, of which none runs yet, on a server of their own."""
    if programs() is None:
        pytest.skip(MISSING)
    async with machines(tmp_path) as found:
        yield found
