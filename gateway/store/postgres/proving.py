"""Whether this is a database, and a way to it, that the store can rely on: asked at each start."""

import logging
import re
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from gateway.errors import ConfigurationError

__all__ = ["prove"]

log = logging.getLogger("gateway")

_OLDEST = 14
_SEARCH_PATH = re.compile(r"-c\s*search_path=((?:\\.|\S)+)")
_POOLED = (
    "GATEWAY_DATABASE_URL: what stands before the database (PgBouncer, say) hands its connections "
    "out for each {unit}: it should for each session, or be PgBouncer 1.21 or later with "
    "pool_mode = transaction and max_prepared_statements = 500"
)
_STARTUP = (
    "GATEWAY_DATABASE_URL: what stands before the database takes no options: name the schema by "
    "ALTER ROLE … SET search_path = … instead"
)


def prove(conninfo: str) -> None:
    """ConfigurationError that says what is wrong with it; psycopg's own where it is not reached."""
    try:
        with (
            psycopg.connect(conninfo, autocommit=True) as one,
            psycopg.connect(conninfo, autocommit=True) as other,
        ):
            _refuse_pool(one, other)
            problems = _problems(one, conninfo)
    except psycopg.OperationalError as error:
        if "unsupported startup parameter" in str(error):
            raise ConfigurationError([_STARTUP]) from None
        raise
    if problems:
        raise ConfigurationError([f"GATEWAY_DATABASE_URL: {each}" for each in problems])


def _refuse_pool(one: "psycopg.Connection[Any]", other: "psycopg.Connection[Any]") -> None:
    """Statements that are prepared have equal names on every connection: it shows where two of
    them share one of the server's.
    """
    try:
        with one.transaction():
            one.execute("SELECT 1")
    except (errors.ProtocolViolation, errors.OperationalError):
        if one.closed:
            raise ConfigurationError([_POOLED.format(unit="statement")]) from None
        raise
    try:
        for _ in range(2):
            for each in (one, other):
                each.execute("SELECT 1", prepare=True)
    except (errors.DuplicatePreparedStatement, errors.InvalidSqlStatementName):
        raise ConfigurationError([_POOLED.format(unit="transaction")]) from None


def _problems(connection: "psycopg.Connection[Any]", conninfo: str) -> list[str]:
    found: Any = connection.execute(
        """SELECT current_schema(), current_setting('search_path'),
                  current_setting('server_encoding'), current_setting('synchronous_commit'),
                  current_setting('fsync')"""
    ).fetchone()
    schema, path, encoding, synchronous, fsync = found
    problems = []
    if connection.info.server_version < _OLDEST * 10_000:
        problems.append(f"should lead to PostgreSQL {_OLDEST} or later")
    if encoding != "UTF8":
        problems.append("should lead to a database of ENCODING UTF8")
    if synchronous == "off":
        problems.append(
            "leads to a user whose synchronous_commit is off: what was promised would not be on "
            "disk; ALTER ROLE … RESET synchronous_commit"
        )
    if schema is None:
        problems.append("its user has no schema that is there: create it, or mend the search_path")
    if (wanted := _wanted_path(conninfo)) is not None and wanted != path:
        problems.append(
            "its search_path was dropped on the way: name the schema by ALTER ROLE … SET "
            "search_path = … instead"
        )
    if fsync == "off":
        log.warning("the database does not wait for its disk (fsync = off): a power cut loses data")
    return problems


def _wanted_path(conninfo: str) -> str | None:
    """The schemas that the URL's options name."""
    found = _SEARCH_PATH.search(str(conninfo_to_dict(conninfo).get("options", "")))
    return None if found is None else re.sub(r"\\(.)", r"\1", found[1])
