"""What the upstream systems do while sign-ups come in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.benchmarks.canned.http import Mode
from tests.benchmarks.contestants import Contestant

__all__ = ["SCENES", "Scene"]

_ON = {"FLAG_SMAREGI": "on", "FLAG_CRM": "on", "FLAG_EMAIL": "on", "FLAG_UPDATES": "on"}
_OFF = dict.fromkeys(_ON, "off")


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    told: str
    flags: Mapping[str, str] = field(default_factory=lambda: _ON)
    modes: Mapping[str, Mode] = field(default_factory=dict)

    def left_out(self, contestant: Contestant) -> str:
        """Why somebody takes no part; '' where they do."""
        if self.flags is not _ON and not contestant.obeys_flags:
            return "it has no flags"
        if self.modes and not contestant.survives:
            return "it waits for ever, or fails, where a channel does not answer"
        return ""

    def owed(self, count: int) -> dict[str, int]:
        """How many of each the stand-ins must have got of so many sign-ups, at least."""
        owed = {"customers": count}
        for system, flag, names in _MADE:
            if self.flags[flag] == "on" and system not in self.modes:
                owed |= dict.fromkeys(names, count)
        return owed


_MADE = (
    ("smaregi", "FLAG_SMAREGI", ("members",)),
    ("crm", "FLAG_CRM", ("contacts",)),
    ("email", "FLAG_EMAIL", ("mails", "mailed")),
)

SCENES = {
    scene.name: scene
    for scene in (
        Scene("healthy", "all channels on and well"),
        Scene("hanging", "the CRM takes requests and never answers", modes={"crm": "hanging"}),
        Scene("refusing", "the CRM answers 503", modes={"crm": "refusing"}),
        Scene("shopify", "every flag off: only Shopify", flags=_OFF),
    )
}
