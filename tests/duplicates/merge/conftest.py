"""A gateway whose index is up to date, for merges."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.duplicates import MemberMerge
from gateway.duplicates.points import PointsTransfer
from tests.duplicates.merge.merging import PATIENCE
from tests.world import World, a_world


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(PointsTransfer, "patience", PATIENCE)
    monkeypatch.setattr(MemberMerge, "again", PATIENCE)
    async with a_world(
        tmp_path, GATEWAY_AUTO_REPLAY="false", GATEWAY_UPSTREAM_TIMEOUT="1"
    ) as world:
        yield world
