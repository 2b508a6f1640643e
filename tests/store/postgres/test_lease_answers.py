"""Answers of the lease's own statements that are lost. The database is a real one."""

from typing import Any

import psycopg
import pytest

from gateway.store.postgres import Postgres
from gateway.store.postgres.session import Session
from tests.store.postgres.standing import Standing
from tests.store.postgres.steps import note


@pytest.fixture(params=[True, False], ids=["it was done", "it was not"])
def lost_answer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Of each statement that begins like this one, once; whether it had reached the database."""

    def lose(*beginnings: str) -> list[str]:
        left = [*beginnings]
        run, execute = Session.run, Session.execute

        def losing(real: Any) -> Any:
            def call(self: Session, text: str, *parameters: Any) -> Any:
                found = next((each for each in left if text.lstrip().startswith(each)), None)
                if found is None:
                    return real(self, text, *parameters)
                left.remove(found)
                if request.param:
                    real(self, text, *parameters)
                self.connection.close()
                raise psycopg.OperationalError

            return call

        monkeypatch.setattr(Session, "run", losing(run))
        monkeypatch.setattr(Session, "execute", losing(execute))
        return left

    return lose


async def test_a_take_over_whose_commit_was_not_answered_is_known_all_the_same(
    standing: Standing, lost_answer: Any
) -> None:
    first, second = await standing.two()
    await standing.passes(9, second)
    left = lost_answer("COMMIT")
    await standing.passes(4, second)
    assert left == []
    assert second.mine.is_set()
    await first._one_round()
    assert first.lost.is_set()
    engine = Postgres(standing.url, lanes=2, lease=second)
    await engine.open()
    await engine.write(note("goes on"))
    await engine.close()


@pytest.mark.parametrize("statement", ["SET LOCAL", "BEGIN", "SELECT gateway", "UPDATE leases"])
async def test_no_answer_that_is_lost_makes_two_active_or_none(
    standing: Standing, lost_answer: Any, statement: str
) -> None:
    """To a beat, and within a take-over and a hand-over."""
    first, second = await standing.two()
    third = await standing.enter(standing.new())
    await standing.passes(9, second, third)
    left = lost_answer(statement, statement)
    await standing.passes(16, second, third)
    await first._one_round()
    assert first.lost.is_set()
    assert second.mine.is_set() != third.mine.is_set()
    active, other = (second, third) if second.mine.is_set() else (third, second)
    more = lost_answer("COMMIT")
    await active.leave()
    await standing.passes(4, other)
    assert left == more == []
    assert other.mine.is_set()
