"""Settings and flags of one moment, checked as a whole, and their live reload."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import flags as flagging
from flags import FlagError, FlagSet, Mode
from gateway.app.misspelt import read_names
from gateway.channels import ROSTER, Shop
from gateway.channels.email import EmailSettings
from gateway.channels.smaregi import SmaregiSettings
from gateway.delivery import Policy
from gateway.errors import ConfigurationError
from gateway.points import EARN, SPEND, PointsSettings
from gateway.settings import (
    AlertSettings,
    GatewaySettings,
    Section,
    ShopifySettings,
)
from gateway.settings.extras import lacking
from gateway.settings.sources import Sources, load_sections

__all__ = ["FLAGS", "SECTIONS", "Config", "LiveConfig", "known_variables", "load", "stamp"]

log = logging.getLogger(__name__)

FLAGS: tuple[str, ...] = (*(spec.name for spec in ROSTER), "updates", EARN, SPEND)
"""A flag for each channel, `FLAG_` and its name; whether profile changes are sent on; whether
orders earn points, and whether customers may spend them.
"""

SECTIONS: Mapping[str, type[Section]] = {
    "gateway": GatewaySettings,
    "shopify": ShopifySettings,
    **{spec.name: spec.settings for spec in ROSTER},
    "points": PointsSettings,
    "alerts": AlertSettings,
}

POLL = 1.0
"""Seconds between looks at `.env`; a change takes effect within two."""


def known_variables() -> set[str]:
    return {name for section in SECTIONS.values() for name, _, _ in section.variables()}


@dataclass(frozen=True)
class Config:
    sections: Mapping[str, Section]
    flags: FlagSet
    warnings: tuple[str, ...]

    @cached_property
    def gateway(self) -> GatewaySettings:
        return cast(GatewaySettings, self.sections["gateway"])

    @cached_property
    def shopify(self) -> ShopifySettings:
        return cast(ShopifySettings, self.sections["shopify"])

    @cached_property
    def alerts(self) -> AlertSettings:
        return cast(AlertSettings, self.sections["alerts"])

    @cached_property
    def email(self) -> EmailSettings:
        return cast(EmailSettings, self.sections["email"])

    @cached_property
    def smaregi(self) -> SmaregiSettings:
        return cast(SmaregiSettings, self.sections["smaregi"])

    @cached_property
    def points(self) -> PointsSettings:
        return cast(PointsSettings, self.sections["points"])

    @cached_property
    def store(self) -> Shop:
        domain = self.shopify.shopify_store or "localhost"
        return Shop(self.gateway.store_url or f"https://{domain}", domain)


def load(sources: Sources, *, complete: bool = True) -> Config:
    """ConfigurationError lists every problem at once. `complete`: also what is missing."""
    names = read_names(sources, known_variables())
    sources = names.own
    sections, problems = load_sections(SECTIONS, sources)
    problems = [*names.problems, *problems]
    flag_set: FlagSet | None = None
    try:
        flag_set = flagging.load(FLAGS, sources.environment, sources.dotenv)
    except FlagError as error:
        problems += error.problems
    if complete:
        problems += _missing(sections, flag_set, sources)
    problems += _of_postgres(sections.get("gateway"))
    if problems or flag_set is None:
        raise ConfigurationError(list(dict.fromkeys(problems)))
    doubts = [text for section in sections.values() for text in section.doubts()]
    return Config(sections, flag_set, (*flag_set.warnings, *names.warnings, *doubts))


def _missing(
    sections: Mapping[str, Section], flag_set: FlagSet | None, sources: Sources
) -> list[str]:
    """What is missing; a channel's own settings only if its flag is not off."""
    used = ["gateway", "shopify", "alerts"]
    used += [spec.name for spec in ROSTER if _is_used(spec.name, flag_set, sources)]
    online = any(_is_used(each, flag_set, sources) for each in (EARN, SPEND))
    used += ["points"] if online else []
    problems = [text for name in used if name in sections for text in sections[name].missing()]
    alerts, email = sections.get("alerts"), sections.get("email")
    if isinstance(alerts, AlertSettings) and alerts.alert_email and email and "email" not in used:
        problems += [f"{text} (ALERT_EMAIL needs it)" for text in email.missing()]
    return problems


def _of_postgres(section: Section | None) -> Sequence[str]:
    """How a server is reached can only be judged by its driver."""
    if not (isinstance(section, GatewaySettings) and section.is_postgres):
        return []
    if needed := lacking(postgres=True):
        return needed
    from gateway.store.postgres import conninfo  # noqa: PLC0415 - an extra

    try:
        conninfo(section.gateway_database_url)
    except ConfigurationError as error:
        return error.problems
    return []


def _is_used(channel: str, flag_set: FlagSet | None, sources: Sources) -> bool:
    """If a flag cannot be read, each is judged by itself; an unreadable one counts as off."""
    try:
        flags = flag_set or flagging.load([channel], *sources.only(f"FLAG_{channel.upper()}"))
    except FlagError:
        return False
    return flags[channel].mode is not Mode.OFF


class LiveConfig:
    """The configuration as it is now. A reload that fails keeps the old one, and says so.

    `clock` is wall time, Unix seconds.
    """

    def __init__(
        self,
        config: Config,
        read: Callable[[], Sources] | None = None,
        file: Path | None = None,
        seen: "Stamp | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.current = config
        self.policy = _policy(config)
        self._file = file
        self._seen = seen  # the file's stamp before it was read: a change since then counts
        self._read = read
        self._listeners: list[Callable[[], None]] = []
        self._problem: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """`.env`, where settings are read from it."""
        return (self._file,) if self._file else ()

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def reload(self) -> bool:
        """Take up what the sources say now; true if something changed."""
        if self._read is None:
            return False
        try:
            fresh = load(self._read())
        except ConfigurationError as error:
            self._keep_old(error)
            return False
        self._problem = ()
        if fresh.sections == self.current.sections and fresh.flags == self.current.flags:
            return False
        fixed = _kept(self.current, fresh)
        if unguarded := fixed.gateway.missing():
            self._keep_old(ConfigurationError(unguarded))
            return False
        for change in self.current.flags.changes(fresh.flags):
            log.warning("%s: %s -> %s", change.flag, change.before, change.after)
        if fresh.sections != self.current.sections:
            log.warning("settings were reloaded")
        self.current, self.policy = fixed, _policy(fixed)
        for listener in self._listeners:
            listener()
        return True

    def _keep_old(self, error: ConfigurationError) -> None:
        if error.problems != self._problem:
            self._problem = error.problems
            for problem in error.problems:
                log.error(".env was not taken over, the old values stay: %s", problem)

    async def look(self) -> None:
        """Reload if the file has changed since it was last seen."""
        if self._file is not None and (now := stamp(self._file)) != self._seen:
            self._seen = now
            self.reload()


def _policy(config: Config) -> Policy:
    own, smaregi = config.gateway, config.smaregi
    return Policy(
        flags=config.flags,
        schedule=own.gateway_retry_schedule,
        timeout=own.gateway_upstream_timeout,
        deadline=own.gateway_response_deadline,
        retention_days=own.gateway_retention_days,
        waiting_limit=own.gateway_waiting_limit,
        auto_replay=own.gateway_auto_replay,
        sync_newcomers=config.shopify.shopify_sync_others,
        sync_pos=config.flags["smaregi"].mode is not Mode.OFF and smaregi.smaregi_sync_changes,
    )


def _kept(old: Config, fresh: Config) -> Config:
    """Where we listen and what we own cannot change while we run."""
    bound = ("gateway_host", "gateway_port", "gateway_database_url", "gateway_secret",
             "gateway_traces")  # fmt: skip
    changed = [name for name in bound if getattr(old.gateway, name) != getattr(fresh.gateway, name)]
    if not changed:
        return fresh
    log.warning("a restart is needed for %s", ", ".join(name.upper() for name in changed))
    kept = fresh.gateway.model_copy(update={name: getattr(old.gateway, name) for name in bound})
    return Config({**fresh.sections, "gateway": kept}, fresh.flags, fresh.warnings)


Stamp = tuple[int, int, int]


def stamp(path: Path) -> Stamp | None:
    """A value that changes whenever the file does; None if there is no file."""
    with suppress(OSError):
        stat = os.stat(path)  # noqa: PTH116
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
    return None
