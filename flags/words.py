"""The words an operator may write for a mode and a percentage. None: cannot be read."""

import re
import unicodedata

from flags.decision import Mode

ALLOWED_WORDS = "on (true, 1, yes), off (false, 0, no), hold or dry_run (dry-run)"

_MODES = {
    "on": Mode.ON,
    "true": Mode.ON,
    "1": Mode.ON,
    "yes": Mode.ON,
    "off": Mode.OFF,
    "false": Mode.OFF,
    "0": Mode.OFF,
    "no": Mode.OFF,
    "hold": Mode.HOLD,
    "dry_run": Mode.DRY_RUN,
    "dry-run": Mode.DRY_RUN,
}

# float() alone would also take nan, 1e1 and 1_0, and puts the value into its error.
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*%?")


def read_mode(text: str) -> Mode | None:
    return _MODES.get(_folded(text))


def read_percent(text: str) -> float | None:
    """0 to 100, `12.5` and `25%` alike."""
    match = _NUMBER.fullmatch(_folded(text))
    if match is None:
        return None
    percent = float(match[1])
    return percent if percent <= 100 else None


def _folded(text: str) -> str:
    """Full-width letters, digits and spaces count as the narrow ones; case does not count."""
    return unicodedata.normalize("NFKC", text).strip().lower()
