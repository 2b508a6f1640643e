"""One flag and what it decides for a customer; all flags of one moment."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from flags.allow import is_listed
from flags.decision import Decision, Mode, Reason

PREFIX = "FLAG_"

Source = Literal["environment", ".env", "default"]


class Change(NamedTuple):
    """A flag before and after a reload, in words fit for the log: `on, 25 %, allow 2`."""

    flag: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Flag:
    """`name` is the variable's (`FLAG_X`), `source` where its mode was found, `percent` 0..100
    or None for everybody, `allow` canonical entries as `flags.allow.read_allow` makes them.
    """

    name: str
    mode: Mode
    source: Source = "environment"
    percent: float | None = None
    # Hidden: addresses of people, and a repr ends up in logs.
    allow: frozenset[str] = field(default=frozenset(), repr=False)

    def decide(self, customer_id: int, email: str | None = None) -> Decision:
        """What to do for the customer with this numeric Shopify id.

        Only `on` looks at the customer: those outside the percentage are held, unless the
        allow-list names them. `email` None: not at hand, so the allow-list is not asked.
        """
        if self.mode is not Mode.ON or self.percent is None:
            return _whole(self.mode, self.reason)
        if email is not None and is_listed(email, self.allow):
            return Decision(Mode.ON, Reason.ALLOW)
        inside = _share(self.name, customer_id) < self.percent * 2**64 / 100
        return Decision(Mode.ON if inside else Mode.HOLD, Reason.PERCENT)

    @property
    def reason(self) -> Reason:
        """Of the flag as a whole, before any customer is looked at."""
        if self.source == "default":
            return Reason.UNSET
        if self.mode is Mode.ON and self.percent is not None:
            return Reason.PERCENT
        return Reason.SET

    def describe(self) -> dict[str, str | float | int | None]:
        """The fields of the `flags` command; the allow-list as a count, None without one."""
        return {
            "flag": self.name,
            "mode": self.mode.value,
            "reason": self.reason.value,
            "source": self.source,
            "percent": self.percent,
            "allow": len(self.allow) or None,
        }

    def in_words(self) -> str:
        parts = [self.mode.value]
        if self.percent is not None:
            parts.append(f"{self.percent:.15g} %")
        if self.allow:
            parts.append(f"allow {len(self.allow)}")
        return ", ".join(parts)


_whole = lru_cache(maxsize=None)(Decision)
"""Of a flag that looks at no customer: one value for each mode and reason."""


def _share(name: str, customer_id: int) -> int:
    """A customer's fixed place in 0..2^64-1 for one flag: the first eight bytes, big-endian,
    of SHA-256 over `FLAG_X:7000000000001`.

    The flag's name is hashed too, so that two flags do not pick the same people. Never change
    it: whoever was let through would be held again.
    """
    digest = hashlib.sha256(f"{name}:{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


@dataclass(frozen=True, slots=True)
class FlagSet:
    """Every flag of one moment by its variable's name, and what the operator should be told."""

    flags: Mapping[str, Flag]
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Flag:
        """`x` and `FLAG_X` name the same flag. KeyError if there is none."""
        return self.flags[variable(name)]

    def changes(self, other: "FlagSet") -> list[Change]:
        """From this set to `other`, which was loaded with the same names.

        A mode that only moved to another source is no change.
        """
        pairs = [(flag, other.flags[name]) for name, flag in self.flags.items()]
        return [_change(old, new) for old, new in pairs if _rule(old) != _rule(new)]


@lru_cache(maxsize=64)
def variable(name: str) -> str:
    """The environment variable of a flag: `x` and `FLAG_X` -> `FLAG_X`."""
    return PREFIX + name.upper().removeprefix(PREFIX).replace("-", "_")


def _rule(flag: Flag) -> tuple[Mode, float | None, frozenset[str]]:
    return flag.mode, flag.percent, flag.allow


def _change(old: Flag, new: Flag) -> Change:
    before, after = old.in_words(), new.in_words()
    if old.allow != new.allow and len(old.allow) == len(new.allow):
        after += " (other entries)"
    return Change(old.name, before, after)
