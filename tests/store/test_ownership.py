"""One process owns the file."""

import asyncio
import signal
import sys
from pathlib import Path

from gateway.store import OwnerLock, lock_path, socket_path

OWNER = """
import sys, time
from pathlib import Path
from gateway.store import OwnerLock
lock = OwnerLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
time.sleep(60)
"""


def test_the_lock_is_exclusive_and_released(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with OwnerLock(path) as first:
        assert first.acquire()
        second = OwnerLock(path)
        assert not second.acquire()
        first.release()
        assert second.acquire()
        second.release()


async def test_the_lock_is_free_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"True\n"
    mine = OwnerLock(path)
    assert not mine.acquire()
    owner.send_signal(signal.SIGKILL)
    await owner.wait()
    owner._transport.close()  # type: ignore[attr-defined]
    assert mine.acquire()
    mine.release()


def test_the_lock_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with OwnerLock(path) as lock:
        lock.acquire()
        assert lock_path(path).stat().st_mode & 0o077 == 0


def test_the_socket_lies_beside_the_file() -> None:
    assert socket_path(Path("/srv/gateway.db")) == Path("/srv/gateway.db.sock")
