"""A database that was put back is marked before anything in it is taken up."""

import logging
from pathlib import Path

import pytest

from gateway.alerts import Alert, notices
from gateway.app.lifecycle import Lifecycle, Role
from gateway.store import rewinding
from gateway.store.engine import Engine
from tests.world import World, a_world


def says(reason: str | None, monkeypatch: pytest.MonkeyPatch, db: Engine) -> list[str]:
    """What it is asked and told, in order; for once it has `reason`."""
    calls: list[str] = []

    async def put_back() -> str | None:
        return reason

    async def note_origin() -> None:
        calls.append("noted")

    monkeypatch.setattr(db, "put_back", put_back)
    monkeypatch.setattr(db, "note_origin", note_origin)
    return calls


async def test_a_start_marks_what_may_have_been_done_and_tells_people(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = says(rewinding.LOST, monkeypatch, world.core.db)
    told: list[Alert] = []
    monkeypatch.setattr(world.core.alerts, "notice", told.append)
    await world.core.put_back.take_over()
    assert await world.core.db.read(rewinding.rewound_at) is not None
    assert calls == [], "rewinding writes down by itself which database it is"
    assert rewinding.LOST in caplog.text
    assert [each.levelno for each in caplog.records if "put back" in each.message] == [
        logging.ERROR
    ]
    assert told == [notices.put_back(rewinding.LOST, 0, 0)]
    metrics = (await world.core.metrics_text()).decode()
    at = next(line for line in metrics.splitlines() if line.startswith("gateway_database_rewound"))
    assert float(at.split()[1]) > 0


async def test_a_start_that_finds_nothing_marks_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = says(None, monkeypatch, world.core.db)
    await world.core.put_back.take_over()
    assert await world.core.db.read(rewinding.rewound_at) is None
    assert calls == ["noted"]


async def test_it_goes_before_whatever_a_start_takes_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    async with a_world(tmp_path) as world:
        core = world.core
        for name, part in {
            "put back": core.put_back,
            "clock": core.delivery.clock_jumps,
            "recovery": core.recovery,
            "rotation": core.rotation,
        }.items():

            async def take_over(named: str = name, **_: object) -> None:
                order.append(named)

            monkeypatch.setattr(part, "take_over", take_over)
        await Lifecycle(core).start(Role.OFFLINE)
    assert order[0] == "put back"
    assert len(order) == 4
