"""What waits moves along with a wall clock that is set, also where nobody looked meanwhile."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.delivery import clock_jumps
from gateway.delivery.clock_jumps import ClockJumps
from gateway.errors import StorageError
from gateway.outcomes import Outcome
from gateway.store.members import get_meta, set_meta
from gateway.store.paging import PAGE
from tests.delivery.heart import Heart

HOUR = 3600.0
SINCE_START = 50.0
"""Real time, as it stands still in these tests."""
DUE = 2_000_000.0


@pytest.fixture
async def heart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Heart:
    """On a machine that was started once."""
    started(tmp_path, monkeypatch, "boot-1")
    stopped = SimpleNamespace(monotonic=lambda: SINCE_START)
    monkeypatch.setattr("gateway.delivery.clock_jumps.time", stopped)
    return Heart()


def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: str | None) -> None:
    """None: the system does not say which start it is."""
    file = tmp_path / str(boot)
    if boot is not None:
        file.write_text(f"{boot}\n", "ascii")
    monkeypatch.setattr("gateway.delivery.clock_jumps._BOOT", file)


def waiting(heart: Heart, number: int = 10**9) -> int:
    """A delivery of that id, however large."""
    row = heart.change(heart.owed(customer=number), outcome="retrying", next_attempt_at=DUE)
    heart.db.connection.execute("UPDATE deliveries SET id = ? WHERE id = ?", (number, row.id))
    return number


def due(heart: Heart, number: int = 10**9) -> float:
    found = heart.db.connection.execute(
        "SELECT next_attempt_at FROM deliveries WHERE id = ?", (number,)
    )
    at: float = found.fetchone()[0]
    return at


def kept(heart: Heart) -> str | None:
    return get_meta(heart.db.connection, "clock_offset")


async def a_new_owner(heart: Heart) -> ClockJumps:
    jumps = ClockJumps(heart.db, heart)
    await jumps.take_over()
    return jumps


# -- while nobody looked


@pytest.mark.skipif(sys.platform != "linux", reason="others do not say it")
def test_linux_says_which_start_of_the_machine_it_is() -> None:
    said = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
    assert clock_jumps._boot() == said.strip() != ""


async def test_how_far_the_clock_is_ahead_is_kept_with_the_start_of_the_machine(
    heart: Heart,
) -> None:
    waiting(heart)
    await a_new_owner(heart)
    assert kept(heart) == f"boot-1 {heart.clock.now - SINCE_START!r}"
    assert due(heart) == DUE, "nobody knows of an earlier clock"


@pytest.mark.parametrize("jump", [5.0, -5.0, HOUR, -HOUR])
async def test_a_clock_that_was_set_between_two_owners_is_followed_once(
    heart: Heart, caplog: pytest.LogCaptureFixture, jump: float
) -> None:
    waiting(heart)
    await a_new_owner(heart)
    heart.clock.now += jump
    for _ in range(2):
        await a_new_owner(heart)
        assert due(heart) == DUE + jump
    text = f"the wall clock was set by {jump:.0f} s meanwhile; what waits moves along"
    assert [record.getMessage() for record in caplog.records] == [text]


@pytest.mark.parametrize("off", [4.9, -4.9])
async def test_what_a_clock_is_off_by_is_no_jump_and_is_kept(heart: Heart, off: float) -> None:
    waiting(heart)
    jumps = await a_new_owner(heart)
    heart.clock.now += off
    ahead = jumps.ahead()
    await a_new_owner(heart)
    assert (due(heart), kept(heart)) == (DUE, f"boot-1 {ahead!r}")
    assert await jumps.follow() is False
    heart.clock.now += off
    assert jumps.since(ahead) == 0.0
    assert await jumps.follow() is False
    assert due(heart) == DUE


@pytest.mark.parametrize("boot", ["boot-2", None])
async def test_another_start_of_the_machine_or_one_that_is_not_known_moves_nothing(
    heart: Heart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: str | None
) -> None:
    waiting(heart)
    for _ in range(2):
        await a_new_owner(heart)
        heart.clock.now += HOUR
        started(tmp_path, monkeypatch, boot)
    await a_new_owner(heart)
    assert due(heart) == (DUE + HOUR if boot else DUE), "the second owner knows the first"
    assert kept(heart) == f"{boot or ''} {heart.clock.now - SINCE_START!r}"


async def test_what_is_kept_in_no_form_of_ours_moves_nothing(heart: Heart) -> None:
    waiting(heart)
    set_meta(heart.db.connection, "clock_offset", "")
    await a_new_owner(heart)
    assert due(heart) == DUE


# -- while somebody looks


@pytest.mark.parametrize("jump", [5.0, -5.0])
async def test_five_seconds_are_a_jump(heart: Heart, jump: float) -> None:
    waiting(heart)
    jumps = await a_new_owner(heart)
    ahead = jumps.ahead()
    heart.clock.now += jump
    assert jumps.since(ahead) == jump
    assert await jumps.follow() is True
    assert (due(heart), kept(heart)) == (DUE + jump, f"boot-1 {jumps.ahead()!r}")


async def test_the_new_clock_is_known_with_the_first_page_that_moved(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the next owner moves no row twice, whatever broke the move off."""
    numbers = [waiting(heart, 1000 + each) for each in range(PAGE + 1)]
    jumps = await a_new_owner(heart)
    heart.clock.now += HOUR
    write = heart.db.write

    async def fails_after_one(unit: object, keys: object = None) -> object:
        if due(heart, numbers[-1]) != DUE:
            raise StorageError("full", "hint")
        return await write(unit)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(heart.db, "write", fails_after_one)
        with pytest.raises(StorageError):
            await jumps.follow()
    assert kept(heart) == f"boot-1 {jumps.ahead()!r}"
    assert (due(heart, numbers[0]), due(heart, numbers[-1])) == (DUE, DUE + HOUR)
    assert await jumps.follow() is False, "it has jumped no further"
    assert {due(heart, number) for number in numbers} == {DUE + HOUR}


# -- webhooks


@pytest.mark.parametrize(
    ("jump", "ago", "moved"),
    [
        (HOUR, HOUR, True),
        (HOUR, 0.5 * HOUR, True),
        (HOUR, 0.49 * HOUR, False),
        (HOUR, 0.0, False),
        (-HOUR, 0.0, True),
        (-HOUR, -HOUR, True),
    ],
)
async def test_a_webhook_that_was_put_off_by_the_new_clock_is_not_moved(
    heart: Heart, jump: float, ago: float, moved: bool
) -> None:
    """Which clock it was is told by the nearer one."""
    jumps, db = await a_new_owner(heart), heart.db.connection
    heart.clock.now += jump
    db.execute(
        """INSERT INTO events (rowid, id, source, topic, state, received_at, next_attempt_at,
                               updated_at)
           VALUES (1000000000, 'shopify:one', 'shopify', 'customers/update', 'waiting', 0, ?, ?)""",
        (DUE, heart.clock.now - ago),
    )
    assert await jumps.follow()
    assert await jumps.follow() is False
    (at,) = db.execute("SELECT next_attempt_at FROM events").fetchone()
    assert at == (DUE + jump if moved else DUE)


async def test_what_has_ended_is_not_moved(heart: Heart) -> None:
    ended = heart.change(heart.owed(outcome=Outcome.FAILED), next_attempt_at=DUE)
    jumps = await a_new_owner(heart)
    heart.clock.now += HOUR
    assert await jumps.follow()
    assert due(heart, ended.id) == DUE
