"""What the upstream systems do while sign-ups come in, and how these come."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.benchmarks.canned.http import Mode
from tests.benchmarks.contestants import Contestant

__all__ = ["DELAYED", "SCENES", "STEADY", "Scene", "Step", "closed"]

_ON = {"FLAG_SMAREGI": "on", "FLAG_CRM": "on", "FLAG_EMAIL": "on", "FLAG_UPDATES": "on"}
_OFF = dict.fromkeys(_ON, "off")


@dataclass(frozen=True, slots=True)
class Scene:
    """`lists_grow`: as in the true Smaregi, whose list of what changed has whoever was just made.
    Otherwise its answer is canned, too: an empty list.
    """

    name: str
    told: str
    flags: Mapping[str, str] = field(default_factory=lambda: _ON)
    modes: Mapping[str, Mode] = field(default_factory=dict)
    lists_grow: bool = False

    def left_out(self, contestant: Contestant) -> str:
        """Why somebody takes no part; '' where they do."""
        if self.flags is not _ON and not contestant.obeys_flags:
            return "it has no flags"
        if self.modes and not contestant.is_ours:
            return "it waits for ever, or fails, where a channel does not answer"
        if self.lists_grow and not contestant.is_ours:
            return "it reads no lists"
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
        Scene("healthy", "all channels well"),
        Scene("hanging", "the CRM never answers", modes={"crm": "hanging"}),
        Scene("refusing", "the CRM answers 503", modes={"crm": "refusing"}),
        Scene("shopify", "only Shopify, flags off", flags=_OFF),
        Scene("growing", "Smaregi's list grows", lists_grow=True),
    )
}


@dataclass(frozen=True, slots=True)
class Step:
    """A load: closed, of so many at once; or open, of `rate` a second. `delay`: seconds by which
    the stand-ins hold every answer back. `most`: sign-ups, where its figure needs no more.
    """

    name: str
    concurrency: int
    rate: float = 0.0
    delay: float = 0.0
    most: int = 1_000_000


def closed(many: int) -> Step:
    """Each sends the next sign-up once the one before was answered."""
    return Step(f"{many} at once", many)


DELAYED = Step("8 at once, every answer after 20 ms", 8, delay=0.02, most=400)
"""What is added to the time of the upstream systems."""
STEADY = Step("30 a second", 1, rate=30.0)
"""Whatever the answers do: how long the channels that are well take beside one that hangs."""
