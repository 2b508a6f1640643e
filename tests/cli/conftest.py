"""A sandbox in the test's own process, and a shell whose commands are wired to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.sandbox import Sandbox, SandboxOptions
from tests.cli.process import Shell
from tests.conformance.listed import unlisted


@pytest.fixture
def options() -> SandboxOptions:
    """Of the stand-ins; a file of tests may have its own."""
    return SandboxOptions()


@pytest.fixture
async def sandbox(options: SandboxOptions) -> AsyncIterator[Sandbox]:
    async with Sandbox(options) as sandbox:
        yield sandbox
        assert unlisted(sandbox.journal.asked) == [], "see tests/conformance"


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    folder = tmp_path / "shop"
    folder.mkdir()
    return Shell.beside(sandbox, folder)


@pytest.fixture
def bare_shell(tmp_path: Path) -> Shell:
    """Nothing is set, and nothing is there."""
    folder = tmp_path / "bare"
    folder.mkdir()
    return Shell(folder)
