"""The form of GATEWAY_SECRET, and of its file: several secrets while they are rotated."""

__all__ = ["secrets_in"]

_SHORTEST = 16
"""Characters of one secret, at least."""


def secrets_in(text: str, separator: str) -> tuple[str, ...]:
    """The secrets of a list, newest first. ValueError names the entry that is none."""
    entries = [entry for entry in map(str.strip, text.split(separator)) if entry]
    for number, entry in enumerate(entries, 1):
        if len(entry) < _SHORTEST or not entry.isprintable():
            which = f"entry {number} of {len(entries)} " if len(entries) > 1 else ""
            raise ValueError(f"{which}should have {_SHORTEST} printable characters or more")
    if not entries:
        raise ValueError(f"should have {_SHORTEST} printable characters or more")
    return tuple(dict.fromkeys(entries))
