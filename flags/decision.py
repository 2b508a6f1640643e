"""What a flag can say, and which of two sayings wins."""

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """A flag's four values, from the least strict to the strictest."""

    ON = "on"  # send
    DRY_RUN = "dry_run"  # look, but write nothing
    HOLD = "hold"  # keep for later
    OFF = "off"  # do not send

    @staticmethod
    def stricter(a: "Mode", b: "Mode") -> "Mode":
        """The stricter of the two: off > hold > dry_run > on."""
        return max(a, b, key=_STRICTNESS.__getitem__)


_STRICTNESS = {mode: rank for rank, mode in enumerate(Mode)}


class Reason(StrEnum):
    """Why a decision is what it is; OpenFeature's reasons in lower case, plus `stricter`."""

    SET = "static"  # the flag's own value, the same for every customer
    UNSET = "default"  # the flag is not set
    PERCENT = "split"  # the percentage took the customer in or left them out
    ALLOW = "targeting_match"  # the allow-list names the customer
    STRICTER = "stricter"  # another flag overruled this one


@dataclass(frozen=True, slots=True)
class Decision:
    mode: Mode
    reason: Reason


def combine(a: Decision, b: Decision) -> Decision:
    """The stricter wins. `a` keeps its reason unless `b` overrules it: then `stricter`.

    The mode does not depend on the order; the reason is told from the side of `a`.
    """
    if Mode.stricter(a.mode, b.mode) is a.mode:
        return a
    return Decision(b.mode, Reason.STRICTER)
