"""Each write of an outcome says whom it is about: where several write at once, that is a lock."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from flags import Mode
from gateway.channels import Done, Work
from gateway.outcomes import Outcome
from gateway.store import outbox
from gateway.store.engine import ALONE, Whom
from tests.delivery.heart import TARO, Heart, a_customer, trouble

HANAKO = TARO + 1


@pytest.fixture
def heart() -> Heart:
    return Heart()


@pytest.fixture
def whom(heart: Heart, monkeypatch: pytest.MonkeyPatch) -> list[Whom]:
    """Of each write, in order."""
    said, write = list[Whom](), heart.db.write

    async def noted(unit: Any, keys: Whom = ALONE) -> Any:
        said.append(keys)
        return await write(unit, keys)

    monkeypatch.setattr(heart.db, "write", noted)
    return said


async def test_outcomes_that_are_written_together_name_all_their_customers(
    heart: Heart, whom: list[Whom]
) -> None:
    ends = [
        await heart.attempts.make(delivery, None, fresh=False)
        for delivery in (
            heart.owed(claimed=True),
            heart.owed(claimed=True, customer=HANAKO, channel="crm"),
        )
    ]
    whom.clear()
    await heart.deliverer._results.settle(ends)
    assert whom == [[TARO, HANAKO]]
    ends[0].customer_id = None
    await heart.deliverer._results.settle(ends)
    assert whom[1] is ALONE, "of somebody unknown nobody may write meanwhile"


async def test_all_that_an_attempt_writes_names_its_customer(
    heart: Heart, whom: list[Whom]
) -> None:
    async def goes_on(work: Work) -> Done:
        await work.save_plan({"id": 3})
        await work.announce({"name": "佐藤"})
        return Done("updated", "1024")

    heart.link()
    heart.channels["smaregi"].ends = [goes_on, trouble()]
    for delivery in (heart.owed(), heart.owed("crm")):
        assert await heart.deliverer.again(delivery, a_customer()) is not None
    assert len(whom) == 6
    assert {TARO} == {one for keys in whom for one in keys or (0,)}


@pytest.mark.parametrize("rehearsed", [False, True])
@pytest.mark.parametrize("end", [Done("created", "1024"), trouble()])
async def test_the_result_of_an_attempt_names_its_customer(
    heart: Heart, end: Any, rehearsed: bool
) -> None:
    heart.channels["smaregi"].ends = [end]
    heart.modes["smaregi"] = Mode.DRY_RUN if rehearsed else Mode.ON
    made = await heart.attempts.make(heart.owed(claimed=True), a_customer(), fresh=False)
    assert made.customer_id == TARO


async def test_the_end_of_a_delivery_names_its_customer(heart: Heart, whom: list[Whom]) -> None:
    await heart.deliverer._results.end(heart.owed(), Outcome.DISCARDED, None, "gone")
    assert whom == [[TARO]]


async def test_an_outcome_that_cannot_be_written_names_its_customer(
    heart: Heart, whom: list[Whom], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = outbox.settle

    def breaks(db: sqlite3.Connection, ends: Sequence[Any], now: float) -> Any:
        if ends[0].outcome is Outcome.DISCARDED:
            raise sqlite3.IntegrityError
        return settle(db, ends, now)

    monkeypatch.setattr(outbox, "settle", breaks)
    await heart.deliverer._results.end(heart.owed(), Outcome.DISCARDED, None, "gone")
    assert whom == [[TARO], [TARO]]
