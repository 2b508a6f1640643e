"""A connection in a thread of its own, beside the lanes: nobody waits for a turn."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import psycopg

from gateway.background import Background
from gateway.store.postgres.errors import is_lost
from gateway.store.postgres.session import Session

__all__ = ["Apart"]

T = TypeVar("T")


class Apart:
    """One call after the other; made anew where it is lost. `silence`: seconds without an answer
    after which it is given up.
    """

    def __init__(self, conninfo: str, silence: float) -> None:
        self._conninfo = conninfo
        self._silence = silence
        self._session: Session | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lease")
        self._background = Background()

    def start(self) -> None:
        self._background.every(self._silence / 6, self._watch, "the watchdog of a connection")

    async def call(self, work: Callable[[Session], T]) -> T:
        """Psycopg's errors are the caller's."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    async def close(self) -> None:
        """At once: whoever still waits for an answer gets an error."""
        await self._background.stop()
        if (session := self._session) is not None:
            session.shut_if_silent(0.0)
        self._thread.submit(self._drop)
        self._thread.shutdown(wait=False)

    def _run(self, work: Callable[[Session], T]) -> T:
        if self._session is None:
            self._session = Session(self._conninfo)
        try:
            return work(self._session)
        except psycopg.Error:
            if is_lost(self._session.connection):
                self._drop()
            raise

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(psycopg.Error):
                session.close()

    async def _watch(self) -> None:
        if (session := self._session) is not None:
            session.shut_if_silent(self._silence)
