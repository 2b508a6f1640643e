"""Processes of the benchmark, and what they are told: one line of JSON each way."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import uvloop

__all__ = [
    "ROOT",
    "Child",
    "child",
    "cpu_seconds",
    "free_port",
    "obey",
    "peak_mib",
    "process",
    "quiet",
    "ready",
    "resident_mib",
    "serving",
]

ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")
_LONGEST_LINE = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Child:
    """A module of the benchmark in a process of its own."""

    process: asyncio.subprocess.Process

    async def ask(self, **said: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(orjson.dumps(said) + b"\n")
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the benchmark ended; what it said is above")
        answered: dict[str, Any] = orjson.loads(line)
        return answered


@asynccontextmanager
async def process(
    arguments: list[str], environment: Mapping[str, str], folder: Path, **pipes: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Ends with a SIGTERM, or after 15 seconds with a SIGKILL."""
    started = await asyncio.create_subprocess_exec(
        *arguments, env=environment, cwd=folder, limit=_LONGEST_LINE, **pipes
    )
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(started.wait(), 15)
            except TimeoutError:
                started.kill()
                await started.wait()


@asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[Child]:
    """A module that calls `obey`."""
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    command = [sys.executable, "-m", module, *arguments]
    async with process(command, {**os.environ, "PYTHONPATH": str(ROOT)}, ROOT, **pipes) as one:
        yield Child(one)


def obey(carry_out: Callable[[dict[str, Any]], Awaitable[Any]]) -> None:
    """Runs in the child: each line of its input is carried out, and its result is a line out."""

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(_give_up)
        reader = asyncio.StreamReader(limit=_LONGEST_LINE)
        protocol = asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        while line := await reader.readline():
            answered = await carry_out(orjson.loads(line))
            sys.stdout.buffer.write(orjson.dumps(answered) + b"\n")
            sys.stdout.buffer.flush()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def _give_up(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A protocol that fails would leave its peer waiting for ever."""
    loop.default_exception_handler(context)
    os._exit(1)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, those that ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_mib(pid: int) -> float:
    """The most memory that was resident at once."""
    return _status_mib(pid, "VmHWM:")


def resident_mib(pid: int) -> float:
    return _status_mib(pid, "VmRSS:")


def _status_mib(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith(name))
    return int(size) / 1024


def free_port() -> int:
    """One that nobody listens on: two benchmarks may run side by side."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


async def ready(
    server: asyncio.subprocess.Process, port: int, log: Path, *, patience: float = 60.0
) -> None:
    """Returns once the server that writes this log says that it is ready."""
    async with aiohttp.ClientSession() as session:
        for _ in range(int(patience / 0.05)):
            if server.returncode is not None:
                break
            with suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
    said = log.read_text(errors="replace").strip().splitlines()[-3:]
    what = "does not start" if server.returncode is not None else f"is not ready in {patience:g} s"
    raise RuntimeError(f"{log.stem} {what}: {' '.join(said)}")


@asynccontextmanager
async def serving(
    settings: Mapping[str, str], folder: Path, port: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A gateway that is ready at this port; it logs its errors alone."""
    command = [sys.executable, str(ROOT / "main.py"), "serve", "--log-level", "error"]
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "GATEWAY_PORT": str(port)}
    log = folder / "gateway.log"
    with log.open("wb") as said:
        async with process(command, {**settings, **own}, folder, stdout=said, stderr=said) as one:
            await ready(one, port, log)
            yield one


async def quiet(pid: int, *, patience: float = 30.0) -> None:
    """Returns once a process does nothing more: what it loads after its start is loaded."""
    for _ in range(int(patience / 0.5)):
        before = cpu_seconds(pid)
        await asyncio.sleep(0.5)
        if cpu_seconds(pid) - before <= 1 / _TICKS:
            return
    raise RuntimeError(f"process {pid} does not come to rest within {patience:g} seconds")
