"""A disk of its own for a PostgreSQL of the tests, small enough to be filled."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psycopg

from tests.store.postgres.cluster import Cluster

__all__ = ["SmallDisk", "can_mount"]

_SIZE = 24 * 1024 * 1024
"""Bytes: an empty database takes a third of it."""


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    """PermissionError where this user may not mount."""
    options = f"size={_SIZE},mode=0777"
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        raise PermissionError(made.stderr.decode())
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def can_mount(folder: Path) -> bool:
    if os.getuid():
        return False
    with suppress(PermissionError, FileNotFoundError), _mounted(folder):
        return True
    return False


class SmallDisk:
    """`url`: of the database on it."""

    def __init__(self, folder: Path, url: str) -> None:
        self._filling = folder / "something else"
        self.url = url

    def fill(self) -> None:
        """To the last byte, by something else."""
        with suppress(OSError), self._filling.open("wb", buffering=0) as file:
            while file.write(bytes(65536)):
                pass

    def make_room(self) -> None:
        self._filling.unlink()

    @classmethod
    @asynccontextmanager
    async def mounted(cls, folder: Path) -> AsyncIterator["SmallDisk"]:
        """The tables are on it; the server's log of transactions is elsewhere, so that it lives."""
        cluster = await asyncio.to_thread(Cluster.made)
        small = cluster.folder / "small"
        small.mkdir()
        with _mounted(small):
            place = small / "tables"
            place.mkdir()
            cluster.own(place)
            await asyncio.to_thread(cluster.start)
            try:
                with psycopg.connect(cluster.url(), autocommit=True) as connection:
                    connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'".encode())
                    connection.execute("CREATE DATABASE shop TABLESPACE small")
                yield cls(small, cluster.url("shop"))
            finally:
                await asyncio.to_thread(cluster.stop)
        cluster.remove()
