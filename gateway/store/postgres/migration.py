"""The schema is brought up to date at a start, by one gateway at a time.

What is in the database when the process dies, and what the next start makes of it: a step is there
as a whole or not at all, and the version with it; the steps that are missing follow. A step that
programs of before could not go on beside waits until none of them stands on the database.
"""

import logging
from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any

import psycopg

from gateway.errors import StorageError

__all__ = ["migrate", "newest", "refuse_newer"]

log = logging.getLogger(__name__)

_OLDEST = "-- oldest_reader: "
_LOCK = """SET LOCAL lock_timeout = 3000;
    SELECT pg_advisory_xact_lock(hashtextextended('schema of ' || current_schema(), 0));
    CREATE TABLE IF NOT EXISTS schema_version (
        version       BIGINT NOT NULL,
        oldest_reader BIGINT NOT NULL
    );"""
_TELLS = 6
"""From this version on a gateway's row says what its program knows."""
_OLDER = """SELECT host FROM gateways
    WHERE knows < %s AND seen_at > extract(epoch FROM clock_timestamp()) - 30 LIMIT 1"""


@cache
def steps() -> Mapping[int, str]:
    """The version that a step leads to -> its SQL."""
    folder = files("gateway.store.postgres").joinpath("migrations")
    found = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return {int(file.name[:4]): file.read_text("utf-8") for file in found}


def newest() -> int:
    return max(steps())


def oldest_reader(step: str) -> int:
    """The oldest version whose program may go on beside a schema with this step."""
    return int(step.removeprefix(_OLDEST).split("\n", 1)[0])


def migrate(connection: "psycopg.Connection[tuple[int, ...]]") -> bool:
    """Make the schema, or bring it up to date; whether it was made. `connection` commits by itself.
    StorageError for a schema that this program must not use.
    """
    made = [*iter(partial(_step, connection), None)]
    version = refuse_newer(connection)
    if made and made[0] > 1:
        log.info("the database was upgraded from schema %d to %d", made[0] - 1, version)
    return made[:1] == [1]


def refuse_newer(connection: "psycopg.Connection[Any]") -> int:
    """The schema's version. StorageError for one that this program must not use."""
    version, oldest = _standing(connection)
    if oldest > newest():
        raise StorageError(
            f"the database was written by a newer version of the gateway (schema {version}, "
            f"for programs that know {oldest}; this one knows {newest()})",
            "start the newer version",
        )
    return version


def _step(connection: "psycopg.Connection[tuple[int, ...]]") -> int | None:
    """The version that the next step led to; None where there is none."""
    with connection.transaction():
        connection.execute(_LOCK)
        version, oldest = _standing(connection)
        step = steps().get(version + 1)
        if step is None:
            return None
        if version >= _TELLS:
            _refuse_beside_older(connection, oldest_reader(step))
        connection.execute(step.encode())
        connection.execute("DELETE FROM schema_version")
        standing = (version + 1, max(oldest, oldest_reader(step)))
        connection.execute("INSERT INTO schema_version VALUES (%s, %s)", standing)
        return version + 1


def _refuse_beside_older(connection: "psycopg.Connection[Any]", oldest: int) -> None:
    """StorageError where one lives whose program knows less than `oldest`."""
    row = connection.execute(_OLDER, (oldest,)).fetchone()
    if row is not None:
        raise StorageError(
            f"the gateway on {row[0]} is an older version, which could not go on with the schema "
            "of this one",
            "start the version between on every machine first, or stop the older one",
        )


def _standing(connection: "psycopg.Connection[Any]") -> tuple[int, int]:
    row = connection.execute("SELECT version, oldest_reader FROM schema_version").fetchone()
    return (row[0], row[1]) if row else (0, 0)
