"""How the database is reached: what the URL says, and what is demanded beside it."""

from ipaddress import ip_address

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gateway.errors import ConfigurationError

__all__ = ["conninfo"]

_ENCRYPTED = {"require", "verify-ca", "verify-full"}


def conninfo(url: str) -> str:
    """What libpq is given. ConfigurationError, without the URL, where it is none or names a
    database beyond this machine without TLS.
    """
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            ["GATEWAY_DATABASE_URL: should be postgresql://user:password@host/database"]
        ) from None
    beyond = not all(_is_here(host) for host in _hosts(given))
    if beyond and given.setdefault("sslmode", "require") not in _ENCRYPTED:
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


def _hosts(given: dict[str, str]) -> list[str]:
    return (given.get("hostaddr") or given.get("host") or "").split(",")


def _is_here(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
