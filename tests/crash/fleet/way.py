"""A gateway's way to its database, in a process of its own: it is as quick as it can be, however
much else a trial has to do.

    python -m tests.crash.fleet.way SOCKET

It says its port; then it takes what a `Proxy` is to be, a line each, and says what it has lost.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from tests.store.postgres.proxy import Proxy

__all__ = ["Way"]


class Way:
    """`port`: where the database is reached by it. `lost`: how many COMMITs it has lost, or their
    answers.
    """

    def __init__(self, child: asyncio.subprocess.Process, port: int) -> None:
        self._child = child
        self.port = port
        self.lost = 0

    @classmethod
    @asynccontextmanager
    async def to(cls, socket: str) -> AsyncIterator[Self]:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "tests.crash.fleet.way", socket)
        child = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield cls(child, int(await child.stdout.readline()))
        finally:
            child.stdin.close()
            await child.wait()

    async def be(self, **values: object) -> None:
        """`silent`, `loses` and `undone` as a `Proxy` has them."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(values).encode() + b"\n")
        self.lost = int(await self._child.stdout.readline())


async def _run(socket: str) -> None:
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with Proxy(socket).running() as proxy:
        print(proxy.port, flush=True)  # noqa: T201
        while line := await lines.readline():
            for name, value in json.loads(line).items():
                setattr(proxy, name, value)
            print(proxy.lost, flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1]))
