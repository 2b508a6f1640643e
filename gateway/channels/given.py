"""What a channel's record of a customer was last given: a keyed hash for each field, no values.

A mark is a letter and the hash: `s`, sent by us; `b`, a baseline: what the customer had when an
existing record was linked, never sent. A field that is about to be sent is marked `s?` first, so
that whatever becomes of the write it is sent again.
"""

from collections.abc import Callable, Mapping

__all__ = ["Given", "Marks"]

Marks = Mapping[str, str]
_SENT, _BASELINE = "s", "b"
_UNSURE = "s?"


class Given:
    """`hashed(values)` gives the keyed hash of each; `marks` is None where nothing is known."""

    def __init__(
        self, marks: Marks | None, hashed: Callable[[Mapping[str, str]], dict[str, str]]
    ) -> None:
        self.marks = marks
        self._hashed = hashed

    def changes(self, fields: Mapping[str, str]) -> dict[str, str]:
        """What differs from what was last given; '' clears, and only what we once sent.

        Where nothing is known nothing differs: what the record holds was never ours to change.
        """
        if self.marks is None:
            return {}
        changed = {
            name: fields[name]
            for name, mark in self._hashed(fields).items()
            if self.marks.get(name, " ")[1:] != mark
        }
        ours = (name for name, mark in self.marks.items() if mark[0] == _SENT)
        return changed | {name: "" for name in ours if name not in fields}

    def knows(self, name: str) -> bool:
        return self.marks is not None and name in self.marks

    def unsure(self, sending: Mapping[str, str]) -> dict[str, str]:
        """The marks while a write is under way."""
        return {**(self.marks or {}), **dict.fromkeys(sending, _UNSURE)}

    def after(self, fields: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str]:
        """The marks once `sent` has arrived; what else the customer has becomes the baseline of a
        record of which nothing was known.
        """
        marks = dict(self.marks or {})
        if self.marks is None:
            left = {name: value for name, value in fields.items() if name not in sent}
            marks = {name: _BASELINE + mark for name, mark in self._hashed(left).items()}
        for name, mark in self._hashed(sent).items():
            if sent[name]:
                marks[name] = _SENT + mark
            else:
                marks.pop(name, None)
        return marks
