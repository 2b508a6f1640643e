"""A process among those on one PostgreSQL: what it tells of itself, and by what it is known."""

import secrets
import socket
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from gateway.app.config import LiveConfig
from gateway.app.lifecycle import load_keys

if TYPE_CHECKING:
    from gateway.store.postgres import Beat, Lease, Limits

__all__ = ["control_key", "make_lease"]


def make_lease(
    live: LiveConfig,
    address: str | None,
    told: "Callable[[Beat], None]" = lambda beat: None,
    limits: "Limits | None" = None,
) -> "Lease":
    """`address`: where commands reach it, with `*` for the host by which it reaches the database;
    None of a command.
    """
    from gateway.store.postgres import Gateway, Lease  # noqa: PLC0415 - an extra

    gateway, keys = live.current.gateway, load_keys(live.current.gateway)
    me = Gateway(secrets.token_hex(8), socket.gethostname(), address, _version())
    checks = [each.check for each in keys.every]
    return Lease(gateway.gateway_database_url, me, checks, limits=limits, told=told)


def control_key(live: LiveConfig) -> str:
    """What a command shows to the active gateway: both have the same secret."""
    return load_keys(live.current.gateway).derived(b"control of a gateway").hex()


@cache
def _version() -> str:
    return version("registration-gateway")
