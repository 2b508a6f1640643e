"""Names of variables: as they were meant, as they may be shown, and which right one is nearest."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def capitals(name: str) -> str:
    """A name as it was meant: a byte-order mark, full-width or small letters, `-` for `_`."""
    folded = unicodedata.normalize("NFKC", name).strip("\ufeff \t")
    return folded.upper().replace("-", "_")


def shown(name: str, prefix: str, kind: str) -> str:
    """A broken line of `.env` can put part of a value where a name should be: not shown then."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    return f"a name like {prefix}… with characters or a length that no {kind} has"


def nearest(name: str, right: Iterable[str], cutoff: float = 0.0) -> str | None:
    """The most similar of `right`; None where none is as similar as `cutoff` (0 to 1)."""
    return next(iter(difflib.get_close_matches(name[:64], list(right), n=1, cutoff=cutoff)), None)
