"""What a channel's record of a customer was last given: a keyed hash for each field, no values.

A mark is a letter and the hash: `s`, sent by us; `b`, a baseline: what the customer had when an
existing record was linked, never sent. A field that is about to be sent is marked `s?` first, so
that whatever becomes of the write it is sent again; `l?` the same, where what the record held lost
to the customer's.

Where the record's own system changes it too (a till), the marks say what it held when both sides
last agreed: what the customer has, unless a mark under `t:` and the field says otherwise. `t` is
there once that is known.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

__all__ = ["OWED", "Given", "Marks", "all_known", "rekeyed"]

Marks = Mapping[str, str]
Hashed = Callable[[Mapping[str, str]], dict[str, str]]
_SENT, _BASELINE, _LOST = "s", "b", "l"
_UNSURE, _OVERRULED = "s?", "l?"
_OURS = {_SENT, _LOST}
_HELD, _HELD_IS_KNOWN = "t:", "t"
_HASH = 16
"""Digits of a hash; the other marks have none."""
OWED = "t!"
"""The mark that the other channels have yet to hear of what the record's own system changed."""


class Given:
    """`hashed(values)` gives the keyed hash of each, `before` the same by older secrets; `marks` is
    None where nothing is known.
    """

    def __init__(self, marks: Marks | None, hashed: Hashed, before: Sequence[Hashed] = ()) -> None:
        self.marks = marks
        self._hashed = hashed
        self._before = before

    def changes(self, fields: Mapping[str, str]) -> dict[str, str]:
        """What differs from what was last given; '' clears, and only what we once sent.

        Where nothing is known nothing differs: what the record holds was never ours to change.
        """
        if self.marks is None:
            return {}
        changed = {
            name: fields[name]
            for name, mark in self._hashed(fields).items()
            if not self._is_of(self.marks.get(name, " "), mark, name, fields[name])
        }
        ours = (name for name, mark in self.marks.items() if mark[0] in _OURS)
        return changed | {name: "" for name in ours if name not in fields}

    def insisting_on(self, name: str) -> "Given":
        """The field is sent unless we have sent it as it is: a record's own value is not ours."""
        mark = (self.marks or {}).get(name, "")
        if mark[:1] != _BASELINE:
            return self
        return Given({**(self.marks or {}), name: _UNSURE}, self._hashed, self._before)

    def knows(self, name: str) -> bool:
        return self.marks is not None and name in self.marks

    def unsure(self, sending: Mapping[str, str]) -> dict[str, str]:
        """The marks while a write is under way."""
        marks = self.marks or {}
        return {**marks, **{n: _OVERRULED if self.overruled(n) else _UNSURE for n in sending}}

    def after(
        self,
        fields: Mapping[str, str],
        sent: Mapping[str, str],
        held: Mapping[str, str] | None = None,
        kept: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """The marks once `sent` has arrived; what else the customer has becomes the baseline of a
        record of which nothing was known. `held`: what the record says otherwise than `fields`,
        where all of it is known; `kept`: what it could not be made to give up.
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
            marks.pop(_HELD + name, None)
        if held is not None:
            marks |= {_HELD_IS_KNOWN: _HELD_IS_KNOWN, **self._held(held)}
        return marks | self._held(kept or {})

    # -- the record's own side

    @property
    def knows_record(self) -> bool:
        """Whether it is known what the record held when both sides last agreed."""
        return self.marks is not None and _HELD_IS_KNOWN in self.marks

    def is_unsure(self, name: str) -> bool:
        return (self.marks or {}).get(name) in {_UNSURE, _OVERRULED}

    def overruled(self, name: str) -> bool:
        """Whether the record's own change lost to what is to be sent."""
        return (self.marks or {}).get(name) == _OVERRULED

    def holds_new(self, held: Mapping[str, str]) -> set[str]:
        """The fields of a record that are not as they were when both sides last agreed."""
        marks, new = self.marks or {}, set()
        for name, mark in self._hashed(held).items():
            known = marks.get(_HELD + name) or marks.get(name, "")
            if not self._is_of(known, mark, name, held[name]) if known else held[name]:
                new.add(name)
        return new

    def differs(self, names: Iterable[str], fields: Mapping[str, str]) -> bool:
        """Whether the customer's side of these fields is not as it was last given."""
        return bool(self.changes(fields).keys() & set(names))

    def agreed(self, names: Iterable[str], fields: Mapping[str, str], held: Marks) -> Marks:
        """The marks of fields that both sides have agreed on: `held` of the record, `fields` of
        the customer. '' takes a mark away.
        """
        found = {name: fields.get(name, "") for name in names}
        hashed = self._hashed(found)
        sent = {n: _SENT + hashed[n] if value else "" for n, value in found.items()}
        differs = {n: held[n] for n in found if n in held and held[n] != found[n]}
        return sent | {_HELD + name: "" for name in found} | self._held(differs)

    def has_held(self, name: str) -> bool:
        """Whether the record was seen to hold something of its own there."""
        return self.marks is not None and _HELD + name in self.marks

    @property
    def is_owed(self) -> bool:
        """Whether the other channels have yet to hear of what this record told."""
        return self.marks is not None and OWED in self.marks

    def as_held(self, held: Mapping[str, str]) -> Marks:
        """The marks by which `held` is no change any more, whatever the customer has."""
        return self._held(held)

    def first_held(self, fields: Mapping[str, str], held: Mapping[str, str]) -> Marks:
        """The marks of a record of which nothing was known: what it holds is left alone."""
        theirs = {name: value for name, value in held.items() if value != fields.get(name, "")}
        return {**self.after(fields, {}, theirs)}

    def lost(
        self, names: Iterable[str], fields: Mapping[str, str], contested: Collection[str]
    ) -> Marks:
        """The marks of fields that the record is to be given in any case, or to give up: what we
        sent once, and the `contested`.
        """
        ours = {n for n in names if (self.marks or {}).get(n, " ")[0] in _OURS}
        going = [n for n in names if n in fields or n in ours or n in contested]
        return dict.fromkeys(going, _OVERRULED) | {_HELD + name: "" for name in going}

    def _is_of(self, mark: str, hashed: str, name: str, value: str) -> bool:
        """Whether the mark is of this value, whose hash by the newest secret is at hand."""
        return mark[1:] == hashed or any(
            mark[1:] == before({name: value})[name] for before in self._before
        )

    def _held(self, held: Mapping[str, str]) -> dict[str, str]:
        return {_HELD + n: _HELD_IS_KNOWN + mark for n, mark in self._hashed(held).items()}


Hashes = Mapping[str, Mapping[str, str]]
"""Of each field: a hash of one of its values, by any secret -> the one by the newest."""


def all_known(marks: Marks, hashes: Hashes) -> bool:
    """Whether it is known for each mark which value it is of."""
    return all(
        mark[-_HASH:] in hashes[name.removeprefix(_HELD)]
        for name, mark in marks.items()
        if len(mark) > _HASH
    )


def rekeyed(marks: Marks, hashes: Hashes) -> Marks:
    """The same marks by the newest secret; one of a value that is not known stays as it is."""
    anew = dict(marks)
    for name, mark in marks.items():
        known = hashes.get(name.removeprefix(_HELD), {}).get(mark[-_HASH:])
        if known is not None and len(mark) > _HASH:
            anew[name] = mark[:-_HASH] + known
    return anew
