"""What a channel's record of a customer was last sent: a keyed hash for each field, no values.

A mark is a letter and the hash: `s`, sent by us; `b`, a baseline: what the customer had when an
existing record was linked, never sent. A field that is about to be sent is first marked `s?`, so
that it is sent again whatever becomes of the write. `l?` means the same for a field whose value in
the record lost to the customer's.

If the record's own system (a till) changes it too, the marks also say what the record held when
both sides last agreed: the customer's value, unless a mark under `t:` and the field's name says
otherwise. The mark `t` exists once that is known.
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
"""This mark says: the other channels have not been told yet what the record's system changed."""


class Given:
    """`hashed(values)` returns the keyed hash of each, `before` the same by older secrets; `marks`
    is None if nothing is known.
    """

    def __init__(self, marks: Marks | None, hashed: Hashed, before: Sequence[Hashed] = ()) -> None:
        self.marks = marks
        self._hashed = hashed
        self._before = before

    def changes(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields that differ from what was last sent. '' clears a field that we once sent.

        If nothing is known, nothing differs: we never sent what the record holds.
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
        """The field is sent unless we sent this value before: a record's own value is not ours."""
        mark = (self.marks or {}).get(name, "")
        if mark[:1] != _BASELINE:
            return self
        return Given({**(self.marks or {}), name: _UNSURE}, self._hashed, self._before)

    def knows(self, name: str) -> bool:
        return self.marks is not None and name in self.marks

    def unsure(self, sending: Mapping[str, str]) -> dict[str, str]:
        """The marks while a write is running."""
        marks = self.marks or {}
        return {**marks, **{n: _OVERRULED if self.overruled(n) else _UNSURE for n in sending}}

    def after(
        self,
        fields: Mapping[str, str],
        sent: Mapping[str, str],
        held: Mapping[str, str] | None = None,
        kept: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """The marks once `sent` has arrived. If nothing was known of the record, the customer's
        other values become its baseline. `held`: what the record holds that differs from `fields`,
        if the whole record is known; `kept`: fields that could not be cleared.
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
        """The fields of a record that have changed since both sides last agreed."""
        marks, new = self.marks or {}, set()
        for name, mark in self._hashed(held).items():
            known = marks.get(_HELD + name) or marks.get(name, "")
            if not self._is_of(known, mark, name, held[name]) if known else held[name]:
                new.add(name)
        return new

    def differs(self, names: Iterable[str], fields: Mapping[str, str]) -> bool:
        """Whether the customer's side of these fields differs from what was last sent."""
        return bool(self.changes(fields).keys() & set(names))

    def agreed(self, names: Iterable[str], fields: Mapping[str, str], held: Marks) -> Marks:
        """The marks of fields on which both sides agree now: `held` from the record, `fields` from
        the customer. '' removes a mark.
        """
        found = {name: fields.get(name, "") for name in names}
        hashed = self._hashed(found)
        sent = {n: _SENT + hashed[n] if value else "" for n, value in found.items()}
        differs = {n: held[n] for n in found if n in held and held[n] != found[n]}
        return sent | {_HELD + name: "" for name in found} | self._held(differs)

    def has_held(self, name: str) -> bool:
        """Whether the record was seen to hold a value of its own in this field."""
        return self.marks is not None and _HELD + name in self.marks

    @property
    def is_owed(self) -> bool:
        """Whether the other channels have not been told yet what this record's system changed."""
        return self.marks is not None and OWED in self.marks

    def as_held(self, held: Mapping[str, str]) -> Marks:
        """The marks after which `held` is no longer a change, whatever the customer has."""
        return self._held(held)

    def first_held(self, fields: Mapping[str, str], held: Mapping[str, str]) -> Marks:
        """The marks of a record of which nothing was known: what it holds stays."""
        theirs = {name: value for name, value in held.items() if value != fields.get(name, "")}
        return {**self.after(fields, {}, theirs)}

    def lost(
        self, names: Iterable[str], fields: Mapping[str, str], contested: Collection[str]
    ) -> Marks:
        """The marks by which fields are sent or cleared in any case: those that we once sent, and
        the `contested` ones.
        """
        ours = {n for n in names if (self.marks or {}).get(n, " ")[0] in _OURS}
        going = [n for n in names if n in fields or n in ours or n in contested]
        return dict.fromkeys(going, _OVERRULED) | {_HELD + name: "" for name in going}

    def _is_of(self, mark: str, hashed: str, name: str, value: str) -> bool:
        """Whether the mark is of this value, whose hash by the newest secret is given."""
        return mark[1:] == hashed or any(
            mark[1:] == before({name: value})[name] for before in self._before
        )

    def _held(self, held: Mapping[str, str]) -> dict[str, str]:
        return {_HELD + n: _HELD_IS_KNOWN + mark for n, mark in self._hashed(held).items()}


Hashes = Mapping[str, Mapping[str, str]]
"""For each field: a hash of one of its values by any secret -> the hash by the newest."""


def all_known(marks: Marks, hashes: Hashes) -> bool:
    """Whether the value of each mark is known."""
    return all(
        mark[-_HASH:] in hashes[name.removeprefix(_HELD)]
        for name, mark in marks.items()
        if len(mark) > _HASH
    )


def rekeyed(marks: Marks, hashes: Hashes) -> Marks:
    """The same marks by the newest secret; a mark whose value is unknown stays as it is."""
    anew = dict(marks)
    for name, mark in marks.items():
        known = hashes.get(name.removeprefix(_HELD), {}).get(mark[-_HASH:])
        if known is not None and len(mark) > _HASH:
            anew[name] = mark[:-_HASH] + known
    return anew
