"""Variables that look like settings and are none: a misspelt one would be silently ignored.

What other software is known to set is told apart by its shape, and set aside: Kubernetes gives
every pod the links of all services (`FLAG_SERVICE_HOST` for a service named `flag`), also as the
name of a setting (`GATEWAY_PORT=tcp://…` for one named `gateway`).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from flags.spelling import capitals, nearest, shown
from gateway import frozen
from gateway.settings.sources import Sources

__all__ = ["Names", "prefixes", "read_names"]

_FLAG = "FLAG_"
_RESERVED = ("POINTS_", _FLAG)
"""Ours, whether or not a setting begins like this."""
_COMMON = {"CRM_", "PORT_", "STORE_"}
"""What begins like this may as well be another program's."""

_LINK = re.compile(r"(tcp|udp|sctp)://")
_SHAPES = (
    (
        "Kubernetes sets for its services",
        re.compile(
            r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
        ),
        re.compile(""),
    ),
    ("Kubernetes sets for its services", re.compile(r"\w+_PORT"), _LINK),
    ("a web server sets for CGI programs", re.compile(r"GATEWAY_INTERFACE"), re.compile("CGI/")),
    (
        "Shopify's command line uses",
        re.compile(
            r"SHOPIFY_((CLI|FLAG|APP|STOREFRONT|HYDROGEN)_\w+|API_KEY|API_SECRET(_KEY)?|CONFIG|ORG"
            r"|ENV|SERVICE_ENV|RUN_AS_USER|UNIT_TEST|INVOKED_BY|HTTPS?_PROXY|REVALIDATION_SECRET)"
        ),
        re.compile(""),
    ),
    (
        "Shopify's command line writes for an app's extension",
        re.compile(r"SHOPIFY_\w+_ID"),
        re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE),
    ),
    (
        "HubSpot's command line uses",
        re.compile(
            r"HUBSPOT_(PERSONAL_ACCESS_KEY|(ACCOUNT|PORTAL|CLIENT)_ID|CLIENT_SECRET|REFRESH_TOKEN"
            r"|ENVIRONMENT|CONFIG_PATH|(CLI|MCP)_\w+)"
        ),
        re.compile(""),
    ),
    (
        "images of mail relays use",
        re.compile(r"SMTP_(NETWORKS|HEADER_TAG|DOMAINS?|HELO\w*|(RELAY|DESTINATION|ALLOWED)_\w+)"),
        re.compile(""),
    ),
)
"""(whose variables, their names, how their values begin)"""

_MEANT = {
    "SHOPIFY_SHOP": "SHOPIFY_STORE",
    "SHOPIFY_DOMAIN": "SHOPIFY_STORE",
    "SHOPIFY_SHOP_DOMAIN": "SHOPIFY_STORE",
    "SHOPIFY_STORE_DOMAIN": "SHOPIFY_STORE",
    "SHOPIFY_TOKEN": "SHOPIFY_ACCESS_TOKEN",
    "SHOPIFY_ADMIN_TOKEN": "SHOPIFY_ACCESS_TOKEN",
    "HUBSPOT_API_KEY": "HUBSPOT_ACCESS_TOKEN",
    "HUBSPOT_TOKEN": "HUBSPOT_ACCESS_TOKEN",
    "SMTP_SERVER": "SMTP_HOST",
    "SMTP_ADDRESS": "SMTP_HOST",
    "SMTP_USER": "SMTP_USERNAME",
    "SMTP_USER_NAME": "SMTP_USERNAME",
    "SMTP_LOGIN": "SMTP_USERNAME",
    "SMTP_USERNAME_FILE": "SMTP_USERNAME",
    "SMTP_PASS": "SMTP_PASSWORD",
    "SMTP_PASSWORD_FILE": "SMTP_PASSWORD",
    "SMTP_FROM": "EMAIL_FROM",
    "SMTP_SENDER": "EMAIL_FROM",
    "SMTP_SECURE": "SMTP_TLS",
    "SMTP_SSL": "SMTP_TLS",
    "SMTP_STARTTLS": "SMTP_TLS",
    "EMAIL_HOST": "SMTP_HOST",
    "EMAIL_PORT": "SMTP_PORT",
    "EMAIL_HOST_USER": "SMTP_USERNAME",
    "EMAIL_HOST_PASSWORD": "SMTP_PASSWORD",
    "EMAIL_USE_TLS": "SMTP_TLS",
    "EMAIL_SENDER": "EMAIL_FROM",
}
"""What other programs call the same thing. Where ours is set as well, it is that program's."""


@frozen
class Names:
    """`own` is without what belongs to others; `problems` stop the start, `warnings` do not."""

    own: Sources
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def prefixes(right: Collection[str]) -> tuple[str, ...]:
    """What begins like one of the settings is meant for the gateway."""
    beginnings = {name.partition("_")[0] + "_" for name in right}
    return tuple(sorted((beginnings - _COMMON).union(_RESERVED)))


def read_names(sources: Sources, right: Collection[str]) -> Names:
    """Judge every name in both sources; `right` are the settings that there are.

    Flags are judged by `flags.load`, which is given what is left.
    """
    judging = _Judging(frozenset(right), prefixes(right), set(sources.values()))
    own = Sources(
        judging.own("the environment", sources.environment),
        judging.own(".env", sources.dotenv),
    )
    return Names(own, tuple(judging.problems), tuple(judging.warnings))


@dataclass(slots=True)
class _Judging:
    right: frozenset[str]
    prefixes: tuple[str, ...]
    given: set[str]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def own(self, place: str, texts: Mapping[str, str]) -> dict[str, str]:
        """What is not another's; what is wrong with the names is noted."""
        kept = {}
        for name, text in sorted(texts.items()):
            label = f"{shown(name, '', 'setting')} (in {place})"
            if (owner := self._owner(capitals(name), text, place)) is not None:
                self.warnings.append(f"{label}: ignored; it is what {owner}")
            else:
                kept[name] = text
                self._judge(name, label)
        return kept

    def _owner(self, spelt: str, text: str, place: str) -> str | None:
        """Whose variable it is, if it is known to be another's. Only a service link of the
        environment can have a setting's own name.
        """
        is_setting = spelt in self.right
        if not spelt.startswith(self.prefixes) or (is_setting and place == ".env"):
            return None
        for owner, name, value in _SHAPES:
            if name.fullmatch(spelt) and value.match(text.strip()):
                return None if is_setting and value is not _LINK else owner
        return None

    def _judge(self, name: str, label: str) -> None:
        spelt = capitals(name)
        if name.upper() in self.right or spelt.startswith(_FLAG):
            return
        meant = _MEANT.get(spelt)
        if meant is not None and meant in self.given:
            self.warnings.append(f"{label}: no such setting, it is ignored; {meant} counts")
        elif spelt.startswith(self.prefixes):
            near = meant or nearest(spelt, self.right)
            self.problems.append(f"{label} belongs to no setting; the nearest right name is {near}")
        elif (near := _near(spelt, self.right, self.prefixes)) is not None:
            self.warnings.append(f"{label}: is ignored; did you mean {near}?")


@lru_cache(1024)
def _near(spelt: str, right: frozenset[str], begin: tuple[str, ...]) -> str | None:
    """A setting that is hardly different, its beginning included (`GATWAY_API_KEYS`)."""
    beginnings = [prefix.rstrip("_") for prefix in begin]
    if nearest(spelt.partition("_")[0], beginnings, 0.75) is None:
        return None
    return nearest(spelt, [name for name in right if name.startswith(begin)], 0.9)
