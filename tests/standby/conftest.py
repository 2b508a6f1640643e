"""Gateways on one PostgreSQL, around one sandbox."""

from collections.abc import AsyncIterator

import pytest

from gateway.sandbox import Sandbox
from tests.standby.gateways import Gateways
from tests.store.postgres.conftest import cluster, url

__all__ = ["cluster", "gateways", "url"]


@pytest.fixture
async def gateways(url: str) -> AsyncIterator[Gateways]:
    async with Sandbox() as sandbox, Gateways(url, sandbox) as found:
        yield found
