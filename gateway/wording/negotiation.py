"""`Accept-Language` (RFC 9110, 12.5.4): which of our two languages a caller reads best."""

from gateway.wording.text import Language

__all__ = ["preferred"]

_MOST = 20
"""Ranges that are looked at."""


def preferred(header: str) -> Language:
    """By q-value, the first of equals; English where neither is asked for."""
    best: Language = "en"
    most = 0.0
    for part in header.split(",", _MOST)[:_MOST]:
        tag, _, parameters = part.partition(";")
        language = _known(tag)
        weight = _weight(parameters)
        if language is not None and weight > most:
            best, most = language, weight
    return best


def _known(tag: str) -> Language | None:
    primary = tag.strip().lower().replace("_", "-").partition("-")[0]
    if primary in {"en", "*"}:
        return "en"
    return "ja" if primary == "ja" else None


def _weight(parameters: str) -> float:
    """1 where none is given; 0, which is "not this one", for what is no weight."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
