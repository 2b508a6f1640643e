"""A gateway whose database lies on a disk that can be made to fail."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.evidence import started_quietly
from tests.e2e.trouble.disk import Disk, sqlite_disk
from tests.world import World, a_world


@pytest.fixture
def disk() -> Iterator[Disk]:
    with sqlite_disk() as disk:
        yield disk


@pytest.fixture
async def on_disk(disk: Disk, tmp_path: Path) -> AsyncIterator[World]:
    """The ordinary world on `disk`, start-up over."""
    async with a_world(tmp_path) as world:
        await started_quietly(world)
        yield world
