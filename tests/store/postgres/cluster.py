"""A PostgreSQL of its own for the tests: Debian's programs, in a temporary folder, on a socket in
it, by a user without rights. The processes of one run of the tests share it.
"""

import fcntl
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

__all__ = ["MISSING", "Cluster", "free_port", "programs", "shared"]

MISSING = "PostgreSQL is not installed: apt-get install postgresql"
_PLENTY = 1 << 30
_QUICK = (
    *("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=60"),
    *("listen_addresses=127.0.0.1", "autovacuum=off", "deadlock_timeout=100ms", "jit=off"),
)


def programs() -> Path | None:
    """The folder of the newest PostgreSQL of this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    return found[-1].parent if found else None


def _version(program: Path) -> int:
    name = program.parts[-3]
    return int(name) if name.isdecimal() else 0


class Cluster:
    """One in `folder`, a temporary one whose owner is this user or, for root, `postgres`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.data = folder / "data"
        self._as = ("postgres",) if os.getuid() == 0 else ()

    @classmethod
    def made(cls) -> "Cluster":
        folder = _new_folder("gateway-postgres-")
        cluster = cls(folder, free_port())
        cluster.own(folder)
        cluster.run(
            *("initdb", "-D", cluster.data, "-U", "postgres", "-A", "trust", "-N"),
            *("-E", "UTF8", "--locale", "C.UTF-8"),
        )
        return cluster

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@{quote(str(self.folder), safe='')}:{self.port}/{database}"

    def start(self) -> None:
        options = " ".join(f"-c {each}" for each in _QUICK)
        self.run(
            *("pg_ctl", "start", "-w", "-D", self.data, "-l", self.folder / "log"),
            *("-o", f"-p {self.port} -k {self.folder} {options}"),
        )

    def replica(self) -> "Cluster":
        """A second server that follows this one, which runs; it runs too."""
        folder = _new_folder("gateway-replica-")
        copy = Cluster(folder, free_port())
        self.own(folder)
        source = f"host={self.folder} port={self.port} user=postgres"
        self.run("pg_basebackup", "-D", copy.data, "-R", "-X", "stream", "-c", "fast", "-d", source)
        copy.start()
        return copy

    def promote(self) -> None:
        self.run("pg_ctl", "promote", "-w", "-D", self.data)

    def set(self, name: str, value: str) -> None:
        """A setting of the server, at once."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
            connection.execute("SELECT pg_reload_conf()")

    def stop(self, how: str = "immediate") -> None:
        self.run("pg_ctl", "stop", "-w", "-m", how, "-D", self.data)

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def own(self, folder: Path) -> None:
        """The programs' user may write there."""
        if self._as:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)

    def run(self, program: str, *arguments: str | Path) -> None:
        folder = programs()
        assert folder is not None, MISSING
        command = [str(folder / program), *map(str, arguments)]
        done = subprocess.run(
            ["runuser", "-u", *self._as, "--", *command] if self._as else command,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            check=False, cwd="/", text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def _new_folder(prefix: str) -> Path:
    """In memory where there is plenty: a busy disk says nothing about the product."""
    memory = Path("/dev/shm")
    plenty = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _PLENTY
    return Path(tempfile.mkdtemp(prefix=prefix, dir=memory if plenty else None))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@contextmanager
def shared(place: Path) -> Iterator[Cluster]:
    """The one of all processes that know this `place`: made by the first, removed by the last."""
    cluster = _counted(place, 1)
    try:
        yield cluster
    finally:
        _counted(place, -1)


def _counted(place: Path, more: int) -> Cluster:
    with place.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        users, folder, port = json.loads(file.read() or "[0, null, 0]")
        if not users:
            cluster = Cluster.made()
            cluster.start()
        else:
            cluster = Cluster(Path(folder), port)
        if users + more == 0:
            cluster.stop()
            cluster.remove()
        file.truncate(0)
        file.write(json.dumps([users + more, str(cluster.folder), cluster.port]))
    return cluster
