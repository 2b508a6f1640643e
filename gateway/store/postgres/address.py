"""How the database is reached: what the URL says, and what is demanded beside it."""

import os
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gateway.errors import ConfigurationError

__all__ = ["conninfo", "local_host", "place"]

_FORM = "GATEWAY_DATABASE_URL: should be postgresql://user:password@host/database"
_ENCRYPTED = {"require", "verify-ca", "verify-full"}


def conninfo(url: str) -> str:
    """What libpq is given. ConfigurationError, without the URL, where it is none or names a
    database beyond this machine without TLS.
    """
    given, around = _given(url), _surroundings()
    beyond = not all(_is_here(host) for host in _hosts(around | given))
    stricter = around.get("sslmode") in _ENCRYPTED
    wanted = around["sslmode"] if stricter else "require"
    if beyond and given.setdefault("sslmode", wanted) not in _ENCRYPTED:
        raise ConfigurationError(
            ["GATEWAY_DATABASE_URL: sslmode should be verify-full or require for another machine"]
        )
    demanded = {
        "connect_timeout": "3",
        "tcp_user_timeout": "6000",
        "target_session_attrs": "read-write",
        "client_encoding": "UTF8",
        "application_name": "registration-gateway",
    }
    return make_conninfo("", **{**given, **demanded})


def place(url: str) -> str:
    """Its hosts and its name, as a URL: no user, no password, nothing that they are sent with."""
    known = _surroundings() | _given(url)
    hosts, ports = _listed(known, "host"), _listed(known, "port")
    each = ports * len(hosts) if len(ports) == 1 else ports
    named = ",".join(map(_named, hosts, each))
    return f"postgresql://{named}/{known.get('dbname') or known.get('user', '')}"


def _named(host: str, port: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if host and port not in {"", "5432"} else shown


def _given(url: str) -> dict[str, str]:
    """ConfigurationError also for a password in which a character is not escaped: libpq takes its
    rest for a host, a port or a name, and those are shown.
    """
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        raise ConfigurationError([_FORM]) from None
    plain = all(port.isdecimal() or not port for port in _listed(given, "port"))
    places = (given.get("dbname", ""), *_listed(given, "host"))
    if not plain or any("@" in place.removeprefix("@") for place in places):
        raise ConfigurationError([f"{_FORM}, with @ / : ? % of a password as %40 %2F %3A %3F %25"])
    return given


def _listed(known: Mapping[str, str], name: str) -> list[str]:
    return known.get(name, "").split(",")


def _surroundings() -> dict[str, str]:
    """What libpq takes from the environment (PGHOST, PGSSLMODE, ...) where the URL says nothing."""
    defaults = psycopg.pq.Conninfo.get_defaults()
    return {each.keyword.decode(): each.val.decode() for each in defaults if each.val}


def _hosts(given: dict[str, str]) -> list[str]:
    return (given.get("hostaddr") or given.get("host") or "").split(",")


def _is_here(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def local_host(connection: "psycopg.Connection[Any]") -> str:
    """The address of ours by which the database is reached, as part of a URL."""
    with socket.socket(fileno=os.dup(connection.fileno())) as handle:
        name = handle.getsockname()
    if not isinstance(name, tuple):
        return "127.0.0.1"
    return f"[{name[0]}]" if ":" in name[0] else str(name[0])
