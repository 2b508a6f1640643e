"""What the machine or the platform says: the port, and where data is kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["PORTS", "database_url", "is_postgres", "with_data_dir", "with_port"]

PORTS = 65535
_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


def database_url(url: str) -> str:
    """ValueError for any that is neither a file of SQLite nor a PostgreSQL."""
    if is_postgres(url):
        return url
    if not url.startswith(_SQLITE) or not url.removeprefix(_SQLITE):
        raise ValueError(
            "should be sqlite:/// and a path, such as sqlite:///gateway.db, or "
            "postgresql://user:password@host/database"
        )
    return url


def is_postgres(url: str) -> bool:
    return url.startswith(_POSTGRES)


def with_port(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """PORT counts where GATEWAY_PORT is not set; one that cannot be read is its own problem."""
    port = str(given.get("port", "")).strip()
    if "gateway_port" in given or not port.isdecimal() or int(port) > PORTS:
        return given
    return {**given, "gateway_port": port}


def with_data_dir(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """GATEWAY_DATA_DIR counts where GATEWAY_DATABASE_URL is not set."""
    folder = str(given.get("gateway_data_dir", "")).strip()
    if not folder or "gateway_database_url" in given:
        return given
    return {**given, "gateway_database_url": f"{_SQLITE}{Path(folder) / 'gateway.db'}"}
