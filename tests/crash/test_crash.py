"""The short form; `python -m tests.crash` is the long one."""

from pathlib import Path

import pytest

from tests.crash.trial import Plan, trial


@pytest.mark.timeout(400)
async def test_people_under_kills_and_failing_systems_are_neither_lost_nor_doubled(
    tmp_path: Path,
) -> None:
    plan = Plan(40, kills=2, seed=20261121, calm=200.0, by_hand=4.0, command_every=10.0)
    said: list[str] = []
    verdict = await trial(plan, tmp_path, said.append)
    assert verdict.wrong == [], "\n".join(said)
    assert verdict.counts["kills"] >= plan.kills
