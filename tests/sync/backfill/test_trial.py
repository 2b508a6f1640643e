"""The short form; `python -m tests.sync.backfill` is the long one."""

from pathlib import Path

import pytest

from tests.sync.backfill.trial import Plan, trial

LATER = ("smaregi", "email")


@pytest.mark.parametrize(
    "channel", ["crm", *(pytest.param(name, marks=pytest.mark.long) for name in LATER)]
)
async def test_a_backfill_that_is_killed_loses_nobody_and_sends_nobody_twice(
    tmp_path: Path, channel: str
) -> None:
    plan = Plan(channel, customers=400, kills=2, patience=50.0)
    said: list[str] = []
    verdict = await trial(plan, tmp_path, said.append)
    assert verdict.wrong == [], "\n".join(said)
    assert verdict.counts["kills"] == plan.kills
    assert verdict.counts["MB at most"] < 150
