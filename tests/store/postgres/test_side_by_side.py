"""An old version of the program and a new one on one database, as during a deploy."""

import psycopg
import pytest

from gateway.errors import StorageError
from gateway.store.postgres import Postgres, migration
from tests.store.postgres.standing import Standing
from tests.store.postgres.steps import note, noted

_EXPANDS = "-- oldest_reader: 1\nALTER TABLE members ADD COLUMN more TEXT; CREATE TABLE another ()"
_CONTRACTS = "-- oldest_reader: {}\nALTER TABLE members RENAME TO no_more"


def upgrade(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """From here on a program that starts knows one more step, or several in their order."""
    known = migration.steps()
    number = max(known) + 1
    grown = {**known, number: step.format(number)}
    monkeypatch.setattr(migration, "steps", lambda: grown)


async def test_an_older_gateway_goes_on_beside_a_new_one_and_hands_over(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await standing.enter(standing.new())
    engine = Postgres(standing.url, lanes=2, lease=old)
    await engine.open()
    await engine.write(note("before"))
    upgrade(monkeypatch, _EXPANDS)
    new = await standing.enter(standing.new())
    await engine.write(note("beside"))
    assert await engine.read(noted("before")) is not None
    await standing.passes(12, old, new)
    assert (old.trusted(), new.mine.is_set()) == (True, False)
    await engine.close()
    await old.leave()
    await new._one_round()
    assert new.mine.is_set()


async def test_a_step_that_an_older_gateway_could_not_bear_waits_for_its_end(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await standing.enter(standing.new())
    engine = Postgres(standing.url, lanes=2, lease=old)
    await engine.open()
    upgrade(monkeypatch, _CONTRACTS)
    with pytest.raises(StorageError, match=rf"{old.me.host}.* older version"):
        await standing.enter(standing.new())
    await engine.write(note("undisturbed"))
    await engine.close()
    await old.leave()
    new = await standing.enter(standing.new())
    assert new.mine.is_set()
    with psycopg.connect(standing.url) as connection:
        assert connection.execute("SELECT to_regclass('members')").fetchone() == (None,)
