"""The stand-ins before which mistakes are made."""

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sandbox import Sandbox
from gateway.wire import dry_run


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """Names that end in .invalid are looked up nowhere: a machine's own resolver may be slow."""
    known = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with Sandbox() as sandbox:
        yield sandbox
    dry_run.set(False)
