"""The database's thread ends whatever happens: one that lives on keeps the process from ending."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from gateway.store import Database, database


def _others(before: list[threading.Thread]) -> list[threading.Thread]:
    """The threads of databases that are left, a moment later."""
    new = [each for each in threading.enumerate() if each not in before]
    left = [each for each in new if "connection_worker" in each.name]
    for each in left:
        each.join(10)
    return [each for each in left if each.is_alive()]


@pytest.mark.parametrize("step", ["prepare", "migrate"])
async def test_an_opening_that_is_cancelled_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    began, goes_on = threading.Event(), threading.Event()
    real = getattr(database, step)

    def slow(*given: Any) -> Any:
        began.set()
        goes_on.wait(30)
        return real(*given)

    monkeypatch.setattr(database, step, slow)
    before = threading.enumerate()
    opening = asyncio.create_task(Database(tmp_path / "gateway.db").open())
    await asyncio.to_thread(began.wait, 30)
    opening.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    opening.cancel()  # a second Ctrl-C
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert not _others(before)


async def test_a_closing_that_is_cancelled_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.enumerate()
    closing = Database(tmp_path / "gateway.db")
    await closing.open()
    goes_on = threading.Event()
    write = asyncio.ensure_future(closing.write(lambda _: goes_on.wait(30)))
    await asyncio.sleep(0)
    end = asyncio.create_task(closing.close())
    for _ in range(3):
        await asyncio.sleep(0)
        end.cancel()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await end
    assert await write
    assert not _others(before)
