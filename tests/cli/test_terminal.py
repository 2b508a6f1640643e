"""A closed terminal ends `serve`; where there is none, SIGHUP reloads."""

import asyncio
import fcntl
import os
import pty
import signal
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.app.terminal import closed_terminal_ends
from tests.cli.process import MAIN

SETTINGS = {
    "SHOPIFY_STORE": "example.myshopify.com",
    "SHOPIFY_ACCESS_TOKEN": "shpat_0",
    "SHOPIFY_BASE_URL": "http://127.0.0.1:9",
    "GATEWAY_PORT": "0",
}


async def _in_a_terminal(folder: Path, prepare: Callable[[], object]) -> tuple[Process, int, Path]:
    """A `serve` that listens and leads its session, the terminal's other side, and the log."""
    ours, theirs = pty.openpty()
    log = folder / "log"
    with log.open("wb") as file:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, str(MAIN), "serve"),
            cwd=folder,
            env=SETTINGS,
            stdin=theirs,
            stdout=theirs,
            stderr=file,
            start_new_session=True,
            preexec_fn=lambda: (fcntl.ioctl(0, termios.TIOCSCTTY, 0), prepare()),
        )
    os.close(theirs)
    async with asyncio.timeout(30):
        while "listening on" not in log.read_text():
            assert child.returncode is None, log.read_text()
            await asyncio.sleep(0.02)
    return child, ours, log


async def test_a_closed_terminal_ends_serve(tmp_path: Path) -> None:
    child, ours, log = await _in_a_terminal(tmp_path, lambda: None)
    os.close(ours)
    async with asyncio.timeout(30):
        assert await child.wait() == 0
    assert "stopped" in log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.long
async def test_under_nohup_serve_outlives_its_terminal(tmp_path: Path) -> None:
    child, ours, log = await _in_a_terminal(
        tmp_path, lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    os.close(ours)
    await asyncio.sleep(1)
    assert "stopping" not in log.read_text()
    child.terminate()
    async with asyncio.timeout(30):
        assert await child.wait() == 0


@pytest.mark.parametrize(
    ("terminal", "session", "ignored", "ends"),
    [
        (True, 4711, False, True),  # a shell, tmux, ssh
        (True, 4711, True, False),  # nohup
        (True, 1, False, False),  # docker run -t
        (False, 4711, False, False),  # systemd, cron
        (False, 1, False, False),  # docker run
    ],
)
def test_sighup_ends_only_where_it_can_mean_a_closed_terminal(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, session: int, ignored: bool, ends: bool
) -> None:
    def opened(path: str, flags: int) -> int:
        assert path == "/dev/tty"
        if not terminal:
            raise OSError(6, "No such device or address")
        return os.dup(0)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", opened)
        patch.setattr(os, "getsid", lambda _: session)
        handler = signal.SIG_IGN if ignored else signal.SIG_DFL
        patch.setattr(signal, "getsignal", lambda _: handler)
        assert closed_terminal_ends() is ends
