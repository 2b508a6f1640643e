"""A process among those on one PostgreSQL: what it tells of itself, and by what it is known."""

import hashlib
import secrets
import socket
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

import orjson
from pydantic import SecretStr

from gateway.app.config import LiveConfig
from gateway.app.lifecycle import load_keys
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from gateway.store.postgres import Lease, Limits

_OWN = {
    *("gateway_host", "gateway_port", "port", "gateway_admin_port", "gateway_traces"),
    *("gateway_log_format", "gateway_log_level", "gateway_data_dir", "email_templates"),
    *("gateway_database_url", "gateway_secret"),
}
"""What each machine has its own of: addresses, paths, its log, its way to the database."""

__all__ = ["config_hash", "control_key", "make_lease"]


def make_lease(
    live: LiveConfig,
    address: str | None,
    limits: "Limits | None" = None,
) -> "Lease":
    """`address`: where commands reach it, with `*` for the host by which it reaches the database;
    None of a command.
    """
    from gateway.store.postgres import Gateway, Lease  # noqa: PLC0415 - an extra

    gateway, keys = live.current.gateway, load_keys(live.current.gateway)
    me = Gateway(secrets.token_hex(8), socket.gethostname(), address, _version(), config_hash(live))
    checks = [each.check for each in keys.every]
    return Lease(gateway.gateway_database_url, me, checks, limits=limits)


def control_key(live: LiveConfig, check: str | None = None) -> str:
    """What a command shows to the active gateway, which keys by the secret with this `check`; that
    of the newest without. ConfigurationError if it is not known here.
    """
    from gateway.store.postgres import NOT_THEIRS  # noqa: PLC0415 - an extra

    for keys in load_keys(live.current.gateway).every:
        if check in {None, keys.check}:
            return keys.derived(b"control of a gateway").hex()
    raise ConfigurationError([NOT_THEIRS])


def config_hash(live: LiveConfig) -> str:
    """Of all that gateways on one database must be set to alike; by the secret, so that it says
    nothing of what it was made of.
    """
    sections = {
        name: section.model_dump(exclude=_OWN) for name, section in live.current.sections.items()
    }
    flags = {
        name: (flag.mode.value, flag.percent, sorted(flag.allow))
        for name, flag in live.current.flags.flags.items()
    }
    text = orjson.dumps([sections, flags], default=_plain, option=orjson.OPT_SORT_KEYS)
    key = load_keys(live.current.gateway).derived(b"configuration")
    return hashlib.blake2b(text, digest_size=16, key=key).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return sorted(value) if isinstance(value, set | frozenset) else str(value)


@cache
def _version() -> str:
    return version("registration-gateway")
