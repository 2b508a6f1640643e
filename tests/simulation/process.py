"""The gateway as one process: started on what the disk holds, asked in process, stopped or killed.

It is the true composition with its two true doors, the public one and that of this machine's
commands; only the sockets are left out.
"""

import asyncio
from collections.abc import Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gateway.app import Core, Role, open_core
from gateway.app.config import LiveConfig
from gateway.http.control import control_application
from gateway.http.server import application
from tests.simulation.loop import LIFE, EventLoop, Life

__all__ = ["Gateway", "Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """`status` 0: the connection was refused, or cut by the gateway's end. `raw` is what was sent,
    of a stream as much as had been sent by then.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] | None = None
    raw: bytes = b""


NOBODY = Reply(0)


class Gateway:
    def __init__(self, loop: EventLoop, live: LiveConfig, role: Role = Role.SERVE) -> None:
        self.life = Life()
        self.live = live
        self.core: Core | None = None
        self._loop = loop
        self._role = role
        self._stopping = asyncio.Event()
        self._app: web.Application | None = None
        self._control: web.Application | None = None
        self._outside = copy_context()
        self._inside = copy_context()
        self._inside.run(LIFE.set, self.life)
        self._asking: dict[asyncio.Future[Reply], _Written] = {}
        self._task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        self.failed: BaseException | None = None

    def inside(self) -> Context:
        return self._inside.copy()

    def start(self) -> None:
        self._task = self._loop.create_task(self._main(), context=self.inside())
        self._task.add_done_callback(self._ended, context=self._outside)

    async def _main(self) -> None:
        async with open_core(self.live, self._role) as core:
            app = application(core)
            control = control_application(core, self._stopping, lambda: False)
            for each in (app, control):
                each.freeze()
            self.core, self._app, self._control = core, app, control
            self._loop.call_soon(self.ready.set, context=self._outside)
            await self._stopping.wait()
            self._app = self._control = None

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._refuse_all()
        if not task.cancelled():
            self.failed = task.exception()
        self.ready.set()

    async def stop(self) -> None:
        """SIGTERM."""
        self._stopping.set()
        assert self._task is not None
        await asyncio.wait({self._task})

    def kill(self) -> None:
        """Nothing of it runs any more."""
        self.life.over = True
        self._app = self._control = None
        self._refuse_all()
        self.ready.set()

    def _refuse_all(self) -> None:
        for future, written in self._asking.items():
            if not future.done():
                future.set_result(written.cut())
        self._asking.clear()

    async def ask(
        self,
        method: str,
        path: str,
        raw: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        control: bool = False,
    ) -> Reply:
        """One request, through every middleware and route; `control`: at the commands' door."""
        app = self._control if control else self._app
        if app is None or self.life.over:
            return NOBODY
        future: asyncio.Future[Reply] = self._loop.create_future()
        written = _Written()
        request = _request(self._loop, app, method, path, raw, headers or {}, written)
        task = self._loop.create_task(app._handle(request), context=self.inside())

        def answered(ended: "asyncio.Task[web.StreamResponse]") -> None:
            self._asking.pop(future, None)
            if not future.done():
                future.set_result(_reply(ended, written))

        task.add_done_callback(answered, context=self._outside)
        self._asking[future] = written
        return await future


def _reply(ended: "asyncio.Task[web.StreamResponse]", written: "_Written") -> Reply:
    if ended.cancelled():
        return written.cut()
    response = ended.result()
    if not isinstance(response, web.Response):
        return written.cut()
    raw = response.body if isinstance(response.body, bytes) else b""
    return Reply(response.status, orjson.loads(raw) if raw else None, response.headers, raw)


class _Written(AbstractStreamWriter):
    """What a handler has sent of its answer by itself, as a stream does."""

    def __init__(self) -> None:
        self._began = False
        self._text = bytearray()

    def cut(self) -> Reply:
        return Reply(200, raw=bytes(self._text)) if self._began else NOBODY

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self._text += chunk

    async def write_eof(self, chunk: bytes = b"") -> None:
        self._text += chunk

    async def drain(self) -> None:
        """It is read at once."""

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        raise NotImplementedError

    def enable_chunking(self) -> None:
        """There is no socket."""

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        self._began = True


class _Transport:
    """What is asked of a connection: that it is from this machine."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 50000) if name == "peername" else default

    def is_closing(self) -> bool:
        return False


class _Protocol:
    transport = _Transport()
    _reading_paused = False
    ssl_context = None
    peername = ("127.0.0.1", 50000)
    sockname = ("127.0.0.1", 8080)

    def resume_reading(self, *_: Any, **__: Any) -> None:
        """Everything is there already."""


def _request(
    loop: EventLoop,
    app: web.Application,
    method: str,
    path: str,
    raw: bytes,
    headers: Mapping[str, str],
    writer: AbstractStreamWriter,
) -> web.Request:
    protocol: Any = _Protocol()
    given = CIMultiDictProxy(
        CIMultiDict({"Host": "127.0.0.1:8080", "Content-Length": str(len(raw)), **headers})
    )
    message = RawRequestMessage(
        method, path, HttpVersion11, given, (), False, None, False, False, URL(path)
    )
    payload = StreamReader(protocol, 2**16, loop=loop)
    payload.feed_data(raw)
    payload.feed_eof()
    task: Any = None
    return web.Request(
        message, payload, protocol, writer, task, loop, client_max_size=app._client_max_size
    )
