"""What becomes of each request: drawn from a seed, within what real networks and systems do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from gateway.sandbox.call import Description
from tests.simulation.network import AFTER_THE_EFFECT, Fate

__all__ = ["Rule", "Weather"]

_REFUSES = (401, 402, 403, 404, 422)
"""What a write may be told that was certainly not carried out, beside 429."""


@dataclass(slots=True)
class Rule:
    """The next `times` requests of a system whose labels contain `match` end as `fate` says."""

    system: str
    match: str
    fate: Callable[[Random], Fate]
    times: int = 1

    def meets(self, system: str, what: Description) -> bool:
        return (
            self.times > 0
            and system == self.system
            and any(self.match in label for label in what.labels)
        )


@dataclass(slots=True)
class Weather:
    """`rough` is the share of a system's requests that go wrong; `pace` the seconds (least, most)
    of those that do not. Questions who answers, and for a token, meet less of it.
    """

    dice: Random
    rough: dict[str, float] = field(default_factory=dict)
    pace: tuple[float, float] = (0.005, 0.12)
    rules: list[Rule] = field(default_factory=list)

    def calm(self) -> None:
        self.rough.clear()
        self.rules.clear()

    def __call__(self, system: str, what: Description) -> Fate:
        for rule in self.rules:
            if rule.meets(system, what):
                rule.times -= 1
                return rule.fate(self.dice)
        share = self.rough.get(system, 0.0)
        if what.kind != "token" and share and self.dice.random() < share:
            fate = self._write(system) if what.kind == "write" else self._read(system)
            return self._fine() if _is_believed(what, fate) else fate
        return self._fine()

    def _fine(self) -> Fate:
        effect = self.dice.uniform(*self.pace)
        return Fate(effect, effect + self.dice.uniform(*self.pace))

    def _read(self, system: str) -> Fate:
        dice = self.dice
        soon = dice.uniform(0.001, 0.2)
        match dice.choice(("refused", "cut", "silent", "status", "garbage", "slow", "own")):
            case "silent":
                return Fate(soon, None, "cut")
            case "status":
                return Fate(
                    soon, soon, "status", status=dice.choice((408, 429, 499, 500, 502, 503))
                )
            case "slow":
                effect = dice.uniform(0.0, 6.0)
                return Fate(effect, effect + dice.uniform(0.0, 6.0))
            case "own":
                says = dice.choice(("broken", "throttled")) if system == "shopify" else "throttled"
                return Fate(soon, soon, says, applied=False)
            case says:
                return Fate(soon, soon, says, applied=False)

    def _write(self, system: str) -> Fate:
        dice = self.dice
        effect, after = dice.uniform(0.001, 0.2), dice.uniform(0.0, 0.2)
        if dice.random() < 0.35:
            return self._not_done(system, effect)
        match dice.choice(("cut", "late", "silent", "status", "half", "garbage", "slow", "own")):
            case "late":
                return Fate(dice.choice((0.3, 2.0, 10.0)) * dice.random(), after, "cut")
            case "silent":
                return Fate(dice.choice((0.1, 3.0, 10.0)) * dice.random(), None, "cut")
            case "status":
                said = dice.choice(AFTER_THE_EFFECT)
                return Fate(effect, effect + after, "status", status=said)
            case "slow":
                effect *= 20
                return Fate(effect, effect + after * 20)
            case "own" if system == "shopify":
                return Fate(effect, effect + after, "denied")
            case "own":
                return Fate(effect, effect + after, "cut")
            case says:
                return Fate(effect, effect + after, says)

    def _not_done(self, system: str, soon: float) -> Fate:
        dice = self.dice
        match dice.choice(("refused", "cut", "silent", "status", "refuses", "throttled", "own")):
            case "silent":
                return Fate(0.0, None, "cut", applied=False)
            case "status":
                said = dice.choice(AFTER_THE_EFFECT)
                return Fate(0.0, soon, "status", applied=False, status=said)
            case "refuses":
                said = dice.choice(_REFUSES)
                return Fate(0.0, soon, "status", applied=False, status=said)
            case "own":
                says = "broken" if system == "shopify" else "refused"
                return Fate(0.0, soon, says, applied=False)
            case says:
                return Fate(0.0, soon, says, applied=False)


def _is_believed(what: Description, fate: Fate) -> bool:
    """A refused property is left out of the contacts, as documented: no trouble that passes."""
    return "/properties" in what.operation and not fate.applied and fate.status in {400, 404, 422}
