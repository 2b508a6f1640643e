"""Real processes of the program: a clean environment, a folder of their own, ended by their id."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import orjson

from gateway.sandbox import Sandbox
from tests.cli.nursery import Forked, can_fork, fork
from tests.world import ALL_ON, registration

__all__ = ["FORKED", "MAIN", "Finished", "Process", "Shell", "register"]

MAIN = Path(__file__).parents[2] / "main.py"
FORKED = (
    (str(MAIN),),
    ("-m", "tests.crash.hampered"),
    ("-m", "tests.standby.halting"),
    ("-m", "tests.standby.newer"),
)
"""Programs that need no interpreter of their own."""
_PATIENCE = 40.0


@dataclass(frozen=True, slots=True)
class Finished:
    code: int
    out: str
    err: str

    def rows(self) -> list[dict[str, Any]]:
        """The lines of a `--json` listing."""
        return [orjson.loads(line) for line in self.out.splitlines()]


class Process:
    """A command that runs on. `log` is what it has said on standard error so far."""

    def __init__(self, child: asyncio.subprocess.Process | Forked, out: Path, err: Path) -> None:
        self._child = child
        self._out = out
        self._err = err

    @property
    def log(self) -> str:
        return self._err.read_text("utf-8")

    @property
    def out(self) -> str:
        return self._out.read_text("utf-8")

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._child.returncode

    @property
    def state(self) -> str:
        """As Linux has it: `T` of one that is stopped."""
        text = Path(f"/proc/{self._child.pid}/stat").read_text("utf-8")
        return text.rpartition(") ")[2][0]

    def peak_megabytes(self) -> int:
        """The largest resident set it has had (Linux); 0 where the system does not say."""
        with suppress(OSError):
            status = Path(f"/proc/{self._child.pid}/status").read_text("ascii")
            if match := re.search(r"VmHWM:\s+(\d+) kB", status):
                return int(match[1]) // 1024
        return 0

    async def says(
        self, pattern: str, *, out: bool = False, patience: float = _PATIENCE
    ) -> re.Match[str]:
        """Wait until the log (or the output) holds the pattern."""
        async with asyncio.timeout(patience):
            while True:
                if match := re.search(pattern, self.out if out else self.log):
                    return match
                assert self._child.returncode is None, self.log
                await asyncio.sleep(0.02)

    async def url(self, patience: float = _PATIENCE) -> str:
        return (await self.says(r"listening on (http://\S+)", patience=patience))[1]

    async def stop(self, signal_: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal; the exit code."""
        self.send(signal_)
        return await self.ended()

    def send(self, signal_: signal.Signals) -> None:
        """To a process that may just have ended by itself."""
        with suppress(ProcessLookupError):
            self._child.send_signal(signal_)

    async def ended(self, patience: float = _PATIENCE) -> int:
        async with asyncio.timeout(patience):
            return await self._child.wait()

    async def finished(self) -> Finished:
        code = await self.ended()
        return Finished(code, self.out, self.log)

    async def dispose(self) -> None:
        if self._child.returncode is None:
            with suppress(ProcessLookupError):
                self._child.kill()
        await self._child.wait()


class Shell:
    """Where commands are typed: `settings` are the environment, the folder may have a `.env`.

    `program` is what Python is told to run.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.settings = dict(settings or {})
        self.program: tuple[str, ...] = (str(MAIN),)
        self._count = 0

    @classmethod
    def beside(cls, sandbox: Sandbox, folder: Path, **settings: str) -> Self:
        """Every flag on, wired to the stand-ins, on a free port; nothing is retried by itself."""
        wired = {**sandbox.environment(), **ALL_ON}
        own = {"GATEWAY_PORT": "0", "GATEWAY_AUTO_REPLAY": "false"}
        return cls(folder, {**wired, **own, **settings})

    def write_env(self, text: str = "", **settings: str) -> None:
        """Put a `.env` in place, at once, as editors do."""
        fresh = self.folder / ".env.new"
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        fresh.write_text(text + lines, "utf-8")
        fresh.replace(self.folder / ".env")

    async def run(self, *arguments: str, **settings: str) -> Finished:
        """A command to its end."""
        async with self.running(*arguments, **settings) as process:
            return await process.finished()

    @asynccontextmanager
    async def running(self, *arguments: str, **settings: str) -> AsyncIterator[Process]:
        self._count += 1
        beside = self.folder.with_name(f"{self.folder.name}-said")
        beside.mkdir(exist_ok=True)
        out, err = beside / f"{self._count}.out", beside / f"{self._count}.err"
        with out.open("wb") as out_file, err.open("wb") as err_file:
            env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **self.settings, **settings}
            if can_fork() and self.program in FORKED:
                child: asyncio.subprocess.Process | Forked = await fork(
                    [*self.program, *arguments], self.folder, env, out, err
                )
            else:
                child = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *self.program,
                    *arguments,
                    cwd=self.folder,
                    env=env,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=out_file,
                    stderr=err_file,
                )
        process = Process(child, out, err)
        try:
            yield process
        finally:
            await process.dispose()

    @asynccontextmanager
    async def serving(self, **settings: str) -> AsyncIterator[tuple[Process, str]]:
        """A gateway that listens, and its address."""
        async with self.running("serve", **settings) as gateway:
            yield gateway, await gateway.url()

    async def rows(self, *filters: str) -> list[dict[str, Any]]:
        """The outbox as `deliveries list --json` has it, oldest first."""
        listing = await self.run("deliveries", "list", "--json", *filters)
        assert listing.code == 0, listing.err
        return list(reversed(listing.rows()))

    async def outcomes(self, channel: str) -> list[str]:
        return [row["outcome"] for row in await self.rows("--channel", channel)]


async def register(url: str, *numbers: int) -> list[Any]:
    """One registration a number, at the same time; the answers."""
    async with aiohttp.ClientSession() as session:

        async def one(number: int) -> Any:
            path = f"{url}/v1/registrations"
            async with session.post(path, json=registration(number)) as response:
                assert response.status == 201, await response.text()
                return await response.json()

        return list(await asyncio.gather(*(one(number) for number in numbers)))
