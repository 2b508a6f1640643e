"""The short form; `python -m tests.crash` is the long one."""

from pathlib import Path

import pytest

from tests.crash.trial import Plan, trial


@pytest.mark.timeout(110)
async def test_registrations_under_kills_and_failing_upstreams_are_neither_lost_nor_doubled(
    tmp_path: Path,
) -> None:
    plan = Plan(registrations=200, kills=8, seed=20261121, calm=40.0, by_hand=4.0)
    said: list[str] = []
    verdict = await trial(plan, tmp_path, said.append)
    assert verdict.wrong == [], "\n".join(said)
    assert verdict.counts["kills"] >= plan.kills
