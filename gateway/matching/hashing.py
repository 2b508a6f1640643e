"""Hashes pages of members without blocking the event loop.

A few pages are hashed in the loop, in slices. A long scan starts a process of its own, over pipes:
hashing a million members costs twenty seconds of one core, which live registrations need. The
process ends with the scan. It also ends whenever we die, since it then reads the end of its input.
If it dies itself, the loop continues the hashing.
"""

import asyncio
import gc
import logging
import marshal
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, BinaryIO

import orjson

from gateway import frozen
from gateway.matching.match_keys import MemberHasher, Values, instant
from gateway.normalize import load_places

__all__ = ["Hashed", "PageHasher", "in_slices", "newest_stamp", "serve"]

log = logging.getLogger(__name__)

_SLICE = 50
"""Rows that the loop hashes at a time: a millisecond or two."""
_ROWS_ALONE = 5000
"""Rows after which a process is worth its start."""
_LENGTH = 4
_READY = "ready"
_PROGRAM = """
import gateway
gateway.REMEMBERED = 65536
from gateway.matching.hashing import serve
serve()
"""

Rows = Sequence[Mapping[str, Any]]


@frozen
class Hashed:
    """A page's rows for the database, in the page's order, and its newest time stamp."""

    values: list[Values]
    newest: str


class PageHasher:
    """`await hasher(rows)`; `close()` ends what was started for it."""

    def __init__(self, hasher: MemberHasher) -> None:
        self._hasher = hasher
        self._rows = 0
        self._process: subprocess.Popen[bytes] | None = None
        # The next page is sent while the process hashes the one before.
        self._sending = ThreadPoolExecutor(1, "members to hash")
        self._receiving = ThreadPoolExecutor(1, "hashed members")
        self._starting: asyncio.Future[None] | None = None
        self._usable = self._closed = False
        self._lock = threading.Lock()
        self._turn = asyncio.Lock()  # one slice between two looks at what else there is to do

    async def __call__(self, rows: Rows) -> Hashed:
        self._rows += len(rows)
        if self._starting is None and self._rows > _ROWS_ALONE:
            loop = asyncio.get_running_loop()
            self._starting = loop.run_in_executor(self._sending, self._start)
        if self._usable:
            try:
                return await self._exchange(rows)
            except asyncio.CancelledError:
                self._usable = False  # an answer may still come that nobody waits for
                raise
            except (OSError, EOFError, ValueError):
                if self._usable:
                    log.warning("the process that hashes members ended; going on without it")
                self._usable = False
        return await self._in_slices(rows)

    async def _in_slices(self, rows: Rows) -> Hashed:
        async with self._turn:
            return Hashed(await in_slices(self._hasher, rows), newest_stamp(rows))

    def _start(self) -> None:
        """In the thread; the key goes over the pipe, where no list of processes shows it."""
        try:
            with self._lock:
                if self._closed:
                    return
                self._process = subprocess.Popen(  # noqa: S603
                    [sys.executable, "-P", "-c", _PROGRAM],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
            _send(self._process.stdin, self._hasher.key)
            self._usable = _receive(self._process.stdout) == _READY
        except (OSError, EOFError, ValueError):
            log.warning("no process could be started to hash members; going on without it")

    async def _exchange(self, rows: Rows) -> Hashed:
        """Answers come in the order of the questions."""
        assert self._process is not None  # noqa: S101 - usable only once it runs
        loop, process = asyncio.get_running_loop(), self._process
        sent = loop.run_in_executor(self._sending, _send_rows, process.stdin, rows)
        received = loop.run_in_executor(self._receiving, _receive, process.stdout)
        for ended in await asyncio.gather(sent, received, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended
        values, newest = received.result()
        return Hashed(values, newest)

    async def close(self) -> None:
        if self._starting is not None:
            await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        with self._lock:
            self._closed, self._usable = True, False
        process = self._process
        if process is not None:
            process.kill()  # whoever waits for its answer in a thread reads its end
        for threads in (self._sending, self._receiving):
            threads.shutdown(wait=True, cancel_futures=True)
        if process is not None:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what is left to send cannot be sent
                    pipe.close() if pipe else None


async def in_slices(hasher: MemberHasher, rows: Rows) -> list[Values]:
    """Hashed here, with a look at what else there is to do between two slices."""
    values: list[Values] = []
    for start in range(0, len(rows), _SLICE):
        if start:
            await asyncio.sleep(0)
        values += map(hasher.values, rows[start : start + _SLICE])
    return values


def newest_stamp(rows: Rows) -> str:
    """The latest of a page's time stamps, '' if it has none."""
    stamps = {str(row.get("updDateTime") or "") for row in rows}
    if len({(len(stamp), stamp[19:]) for stamp in stamps}) == 1:  # one form, one zone
        return max(stamps)
    return max(stamps, default="", key=instant)


def serve() -> None:
    """The process: a key, then pages, until nobody writes or reads any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is our parent's to handle
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a dead parent is no error of ours
    try:
        hasher = MemberHasher(_receive(sys.stdin.buffer))
    except EOFError:
        return
    load_places()
    gc.disable()  # nothing here refers to itself, and the tables are large to walk through
    _send(sys.stdout.buffer, _READY)
    while True:
        try:
            rows = orjson.loads(_read(sys.stdin.buffer))
            hashed = list(map(hasher.values, rows)), newest_stamp(rows)
        except Exception:  # noqa: BLE001 - the loop meets it again, and tells it without the value
            return
        _send(sys.stdout.buffer, hashed)


def _send_rows(pipe: BinaryIO | Any, rows: Rows) -> None:
    """As Smaregi wrote them: faster both ways than marshal."""
    _write(pipe, orjson.dumps(rows))


def _send(pipe: BinaryIO | Any, value: Any) -> None:
    _write(pipe, marshal.dumps(value))


def _receive(pipe: BinaryIO | Any) -> Any:
    return marshal.loads(_read(pipe))  # noqa: S302 - written by ourselves, on the pipe's other end


def _write(pipe: BinaryIO | Any, body: bytes) -> None:
    pipe.write(len(body).to_bytes(_LENGTH, "big"))
    pipe.write(body)
    pipe.flush()


def _read(pipe: BinaryIO | Any) -> bytes:
    header = pipe.read(_LENGTH)
    body: bytes = pipe.read(int.from_bytes(header, "big"))
    if len(header) < _LENGTH or not body:
        raise EOFError
    return body
