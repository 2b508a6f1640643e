"""One connection, as the store's functions see it, and how long it has been waited for."""

import os
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg

from gateway.store.postgres import rows
from gateway.store.postgres.statements import translated

__all__ = ["Session"]

_PREPARED = 400
"""Statements that a connection keeps prepared: more than the store has of them."""


class Session:
    """`execute` and `executemany` as `sqlite3.Connection` has them."""

    def __init__(self, conninfo: str) -> None:
        self.connection: psycopg.Connection[rows.Row] = psycopg.connect(
            conninfo, autocommit=True, row_factory=rows.made, cursor_factory=psycopg.RawCursor
        )
        self.connection.prepared_max = _PREPARED
        rows.register(self.connection)
        self._since: float | None = None
        self._closing = threading.Lock()

    def execute(
        self, sql: str, parameters: Mapping[str, Any] | Sequence[Any] = ()
    ) -> "psycopg.Cursor[rows.Row]":
        statement = translated(sql)
        cursor = self.connection.cursor()
        self._since = time.monotonic()
        try:
            return cursor.execute(statement.text, statement.values(parameters))
        finally:
            self._since = None

    def executemany(
        self, sql: str, parameters: Iterable[Sequence[Any]]
    ) -> "psycopg.Cursor[rows.Row]":
        cursor = self.connection.cursor()
        self._since = time.monotonic()
        try:
            cursor.executemany(translated(sql).text, [*parameters])
        finally:
            self._since = None
        return cursor

    def run(self, script: str) -> "psycopg.Cursor[rows.Row]":
        """Several statements in one message, without parameters; the last one's result."""
        cursor = self.connection.cursor()
        self._since = time.monotonic()
        try:
            cursor.execute(script.encode(), prepare=False)
        finally:
            self._since = None
        while cursor.nextset():
            pass
        return cursor

    def shut_if_silent(self, longest: float) -> bool:
        """From another thread: whoever waits for an answer for so long gets an error. Behind a
        silent proxy neither the server's time-outs nor TCP's fire.
        """
        since = self._since
        if since is None or time.monotonic() - since < longest:
            return False
        with self._closing, suppress(OSError, psycopg.Error):
            handle = socket.socket(fileno=os.dup(self.connection.fileno()))
            with handle:
                handle.shutdown(socket.SHUT_RDWR)
        return True

    def close(self) -> None:
        with self._closing:
            self.connection.close()
