"""Where the tests' processes come from: one that has imported the program, and forks for each.

A process of the program takes a second of the processor before it does anything, and the tests
start hundreds. What is forked is a process of its own all the same: its environment, folder, files,
signals and end are its own.

The server is started with its socket's path, and ends with its standard input. A connection is a
process: a line says what is to be run, and is answered with the process id; the exit code follows.
"""

import asyncio
import atexit
import importlib
import os
import pkgutil
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import orjson

from gateway import normalize

__all__ = ["Forked", "can_fork", "fork"]

_ROOT = Path(__file__).parents[2]
_PLAIN = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


def can_fork() -> bool:
    return sys.platform == "linux"


class Forked:
    """As a process of asyncio's."""

    def __init__(
        self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._writer = writer
        self._watching = asyncio.create_task(self._watch(reader))

    async def _watch(self, reader: asyncio.StreamReader) -> int:
        code = int(await reader.readline())
        self.returncode = code
        self._writer.close()
        return code

    async def wait(self) -> int:
        return await asyncio.shield(self._watching)

    def send_signal(self, number: int) -> None:
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


async def fork(
    program: Sequence[str], folder: Path, env: Mapping[str, str], out: Path, err: Path
) -> Forked:
    """Runs `program`, as Python is told it: a file or `-m` and a module, and the arguments."""
    reader, writer = await asyncio.open_unix_connection(_nursery.path())
    asked = {
        "program": list(program),
        "folder": str(folder),
        "env": dict(env),
        "out": str(out),
        "err": str(err),
    }
    writer.write(orjson.dumps(asked) + b"\n")
    return Forked(int(await reader.readline()), reader, writer)


class _Nursery:
    """The server of this process, started when it is needed."""

    def __init__(self) -> None:
        self._path = ""
        self._server: subprocess.Popen[bytes] | None = None

    def path(self) -> str:
        if self._server is None:
            self._path = str(Path(tempfile.mkdtemp(prefix="nursery-")) / "socket")
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.nursery", self._path],
                cwd=_ROOT,
                env=_PLAIN,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            assert self._server.stdout is not None
            assert self._server.stdout.readline() == b"listening\n"
            atexit.register(self._end)
        return self._path

    def _end(self) -> None:
        assert self._server is not None
        self._server.communicate()


_nursery = _Nursery()


# -- the server


class _Server:
    def __init__(self, path: str) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(path)
        self._listening.listen(64)
        self._ended, self._wakes = socket.socketpair()
        self._wakes.setblocking(False)
        self._callers: dict[int, socket.socket] = {}
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it is told
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes.fileno())

    def serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for watched in (self._listening, self._ended, 0):
                selector.register(watched, selectors.EVENT_READ)
            sys.stdout.write("listening\n")
            sys.stdout.flush()
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if 0 in ready:
                    return
                if self._ended in ready:
                    self._ended.recv(4096)
                    self._tell()
                if self._listening in ready:
                    self._meet(self._listening.accept()[0])

    def _tell(self) -> None:
        """How those ended that have ended."""
        while self._callers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self._callers.pop(pid) as caller, suppress(OSError):  # a test that has gone
                caller.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))

    def _meet(self, caller: socket.socket) -> None:
        with caller.makefile("rb") as said:
            line = said.readline()
        if not line:
            caller.close()
            return
        asked = orjson.loads(line)
        pid = os.fork()
        if not pid:
            try:
                self._let_go(caller)
                _be(asked)
            finally:
                os._exit(70)
        self._callers[pid] = caller
        with suppress(OSError):
            caller.sendall(b"%d\n" % pid)

    def _let_go(self, caller: socket.socket) -> None:
        """What is the server's alone."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for each in (caller, self._listening, self._ended, self._wakes, *self._callers.values()):
            each.close()


def _be(asked: Mapping[str, Any]) -> NoReturn:
    """From here on this process is the one that was asked for."""
    for number, (path, mode) in enumerate(
        [(os.devnull, os.O_RDONLY), (asked["out"], os.O_WRONLY), (asked["err"], os.O_WRONLY)]
    ):
        opened = os.open(path, mode)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["folder"])
    code = 1
    try:
        _run(asked["program"])
        code = 0
    except SystemExit as ends:
        code = _code_of(ends)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
    _leave(code)


def _run(program: Sequence[str]) -> None:
    if program[0] == "-m":
        sys.argv = [program[1], *program[2:]]
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(program)
        runpy.run_path(program[0], run_name="__main__")


def _code_of(ends: SystemExit) -> int:
    if ends.code is None or isinstance(ends.code, int):
        return ends.code or 0
    sys.stderr.write(f"{ends.code}\n")
    return 1


def _leave(code: int) -> NoReturn:
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _import_the_program() -> None:
    """All of it: a command imports what it needs when it runs."""
    for module in pkgutil.walk_packages([str(_ROOT / "gateway")], "gateway."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):  # an extra that is not installed
                importlib.import_module(module.name)
    for name in ("uvloop", "rich.progress", "rich.table"):
        importlib.import_module(name)
    normalize.load_places()
    normalize.parse_phone("0312345678")


if __name__ == "__main__":
    _import_the_program()
    atexit.unregister(_nursery._end)
    try:
        _Server(sys.argv[1]).serve()
    finally:
        shutil.rmtree(Path(sys.argv[1]).parent)
