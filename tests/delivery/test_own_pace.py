"""A burst beyond the rate that an upstream allows: waiting for our own limit is no attempt."""

import asyncio
from pathlib import Path

import pytest

from gateway.delivery import attempt
from gateway.outcomes import Outcome
from gateway.sandbox import SandboxOptions, SmaregiOptions
from tests.e2e.evidence import started_quietly
from tests.world import a_world

PEOPLE, WRITES = 9, 6


async def test_our_own_pace_counts_against_no_customer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "_CALLS_PER_ATTEMPT", 1)
    options = SandboxOptions(smaregi=SmaregiOptions(writes_per_second=WRITES))
    limits = {"SMAREGI_WRITES_PER_SECOND": str(WRITES), "GATEWAY_UPSTREAM_TIMEOUT": "0.8"}
    async with a_world(tmp_path, options, **limits) as world:
        await started_quietly(world)
        replies = await asyncio.gather(*(world.register(number=n + 1) for n in range(PEOPLE)))
        assert {reply.status for reply in replies} == {201}
        await world.settled()
        deliveries = await world.deliveries(channels=("smaregi",))
        assert [d.outcome for d in deliveries] == [Outcome.DELIVERED] * PEOPLE
        assert {d.attempts for d in deliveries} == {1}
        assert world.core.deliverer.routes["smaregi"].circuit._failures == 0
