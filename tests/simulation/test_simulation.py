"""The deterministic simulation: it replays, finds nothing in the code as it is, and finds each
mend that is taken out.
"""

from collections.abc import Iterator

import pytest

from tests.simulation.faults import FAULTS, Change, Fault, hunt, without
from tests.simulation.runs import FAMILIES, campaign, once, simulating


@pytest.fixture(autouse=True, scope="module")
def _simulated() -> Iterator[None]:
    with simulating():
        yield


def test_a_seed_replays_exactly() -> None:
    first, second = once("sign_ups", 7), once("sign_ups", 7)
    assert first.trace == second.trace
    assert len(first.trace) > 10
    assert once("sign_ups", 8).trace != first.trace


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
def test_each_seed_of_a_family_replays_exactly(family: str) -> None:
    for seed in range(20):
        assert once(family, seed).trace == once(family, seed).trace


def test_nothing_is_lost_doubled_stale_or_stuck() -> None:
    outcome = campaign(list(FAMILIES), seed=20_000, runs=len(FAMILIES))
    assert [str(each) for each in outcome.findings] == []


def test_a_mend_that_is_taken_out_is_found() -> None:
    (fault,) = [each for each in FAULTS if each.name.startswith("18 ")]
    assert hunt(fault, seconds=20).findings


def test_a_mend_that_is_not_there_any_more_is_told() -> None:
    gone = Fault(
        "?",
        "till",
        (Change("gateway.registration.acceptance:Acceptance.accept", "no such text", ""),),
    )
    with pytest.raises(LookupError), without(gone):
        pass


def test_each_mend_is_where_it_is_taken_out() -> None:
    for fault in FAULTS:
        with without(fault):
            pass


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_lost_doubled_stale_or_stuck_in_a_minute_of_runs(family: str) -> None:
    outcome = campaign([family], seed=0, seconds=60)
    assert [str(each) for each in outcome.findings] == []


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_mend_that_is_taken_out_is_found_within_a_minute(fault: Fault) -> None:
    assert hunt(fault, seconds=60).findings
