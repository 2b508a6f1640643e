"""The short form with two gateways; `python -m tests.crash --gateways 2` is the long one."""

from pathlib import Path

import pytest

from tests.crash.trial import Plan, trial
from tests.store.postgres.cluster import MISSING, programs


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(programs() is None, reason=MISSING)
async def test_people_are_neither_lost_nor_doubled_whatever_befalls_two_gateways(
    tmp_path: Path,
) -> None:
    plan = Plan(60, kills=12, seed=20261129, calm=300.0, by_hand=20.0, gateways=2, seconds=170.0)
    said: list[str] = []
    verdict = await trial(plan, tmp_path, said.append)
    assert verdict.wrong == [], "\n".join(said)
    assert verdict.counts["kills"] == plan.kills
    assert verdict.counts["take-overs"] >= 4
    assert verdict.counts["hand-overs"] == 1
