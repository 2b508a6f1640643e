"""PgBouncer before a cluster: Debian's program, by the cluster's user, in a folder of its own."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from tests.store.postgres.cluster import Cluster, free_port

__all__ = ["MISSING", "before", "is_there"]

MISSING = "PgBouncer is not installed: apt-get install pgbouncer"
_PATIENCE = 20.0


def is_there() -> bool:
    return shutil.which("pgbouncer") is not None


@contextmanager
def before(cluster: Cluster, mode: str, *more: str) -> Iterator[str]:
    """The address, without a database, of one that hands connections out by `mode`."""
    folder, port = Path(tempfile.mkdtemp(prefix="gateway-pooler-")), free_port()
    settings = folder / "pgbouncer.ini"
    lines = [
        "[databases]",
        f"* = host={cluster.folder} port={cluster.port} user=postgres",
        "[pgbouncer]",
        f"listen_port = {port}",
        f"unix_socket_dir = {folder}",
        f"pidfile = {folder / 'pid'}",
        f"logfile = {folder / 'log'}",
        "auth_type = any",
        f"pool_mode = {mode}",
        *more,
    ]
    settings.write_text("\n".join(lines) + "\n", "utf-8")
    cluster.own(folder)
    cluster.run(str(shutil.which("pgbouncer")), "-d", settings)
    _wait_for(folder / f".s.PGSQL.{port}")
    try:
        yield f"postgresql://postgres@{quote(str(folder), safe='')}:{port}"
    finally:
        _end(folder / "pid")
        shutil.rmtree(folder)


def _wait_for(socket: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while not socket.exists() and time.monotonic() < until:
        time.sleep(0.02)


def _end(file: Path) -> None:
    number, until = int(file.read_text("ascii")), time.monotonic() + _PATIENCE
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGINT)
        while time.monotonic() < until:
            os.kill(number, 0)
            time.sleep(0.02)
