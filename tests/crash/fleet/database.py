"""The server beneath a fleet: who is active by its rows, and how it is ended and begun again."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

import psycopg

from tests.crash.people import MARKS
from tests.store.postgres.cluster import Cluster

__all__ = ["Database", "Seat"]

_NAME = "crash"
_TRIES = 100


@dataclass(frozen=True, slots=True)
class Seat:
    """Who is active: where commands reach it, and how many were before. `all`: how many stand on
    the database.
    """

    address: str
    token: int
    all: int


class Database:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.url = cluster.url(_NAME)

    @classmethod
    async def made(cls) -> "Database":
        cluster = await asyncio.to_thread(Cluster.made)
        await asyncio.to_thread(cluster.start)
        database = cls(cluster)
        await asyncio.to_thread(database._run, cluster.url(), f"CREATE DATABASE {_NAME}")
        return database

    @property
    def socket(self) -> str:
        return str(self._cluster.folder / f".s.PGSQL.{self._cluster.port}")

    async def seat(self) -> Seat:
        """OperationalError where it is away."""
        found: Any = await asyncio.to_thread(
            self._run,
            self.url,
            """SELECT coalesce(address, ''), token, (SELECT count(*) FROM gateways)
               FROM leases LEFT JOIN gateways ON gateways.id = leases.gateway""",
        )
        return Seat(*found)

    async def end_backends(self, share: float) -> None:
        """Some of the connections of gateways and commands."""
        with suppress(psycopg.Error):
            await asyncio.to_thread(
                self._run,
                self._cluster.url(),
                f"""SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = '{_NAME}' AND random() < {share}""",
            )

    async def kill(self) -> None:
        """The server's first process; those of the connections notice in their time."""
        pid = int((self._cluster.data / "postmaster.pid").read_text("ascii").split()[0])
        os.kill(pid, SIGKILL)

    async def stop(self) -> None:
        await asyncio.to_thread(self._cluster.stop)

    async def start(self) -> None:
        """Again, while processes of the dead one are left."""
        for _ in range(_TRIES):
            with suppress(AssertionError):
                await asyncio.to_thread(self._cluster.start)
                return
            await asyncio.sleep(0.2)
        await asyncio.to_thread(self._cluster.start)

    def leaks(self) -> Iterator[str]:
        """Its files that hold an e-mail or a name in plain text."""
        self._run(self._cluster.url(), "CHECKPOINT")
        for path in [*self._cluster.data.rglob("*"), self._cluster.folder / "log"]:
            if path.is_file():
                content = path.read_bytes()
                if any(mark in content for mark in MARKS):
                    yield str(path.relative_to(self._cluster.folder))

    async def close(self, folder: Path) -> None:
        """All rows, and what the server said, are left in `folder`."""
        dump = self._cluster.folder / "database.sql"
        with suppress(AssertionError):
            await asyncio.to_thread(self._cluster.run, "pg_dump", "-f", dump, self.url)
        for file in (dump, self._cluster.folder / "log"):
            with suppress(FileNotFoundError):
                shutil.copy(file, folder / file.name)
        with suppress(AssertionError):
            await self.stop()
        self._cluster.remove()

    def _run(self, url: str, sql: str) -> Any:
        with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchone() if cursor.description else None
