"""What a channel's record of a customer was last sent: a keyed hash for each field, no values.

A mark is a letter and the hash: `s`, sent by us; `b`, a baseline: what the customer had when an
existing record was linked, never sent. A field that is about to be sent is first marked `s?`, so
that it is sent again whatever becomes of the write. `l?` means the same for a field whose value in
the record lost to the customer's.

If the record's own system (a till) changes it too, the fingerprints also say what it contained when
both sides last agreed: the customer's value, unless a mark under `t:` and the field's name says
otherwise. The mark `t` exists once that is known. While the record's change is being written to the
customer, `w:` and the field's name mark it: a repetition knows it for the record's own.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

__all__ = ["OWED", "Fingerprints", "LastSent", "all_known", "rekeyed"]

Fingerprints = Mapping[str, str]
Hashed = Callable[[Mapping[str, str]], dict[str, str]]
_SENT, _BASELINE, _LOST = "s", "b", "l"
_UNSURE, _OVERRULED = "s?", "l?"
_OURS = {_SENT, _LOST}
_IN_RECORD, _RECORD_IS_KNOWN = "t:", "t"
_WRITING, _WRITTEN = "w:", "w"
_HASH = 16
"""Digits of a hash; `s?`, `l?`, `t` and `t!` have none."""
OWED = "t!"
"""This mark says: the other channels have not been told yet what the record's system changed."""


class LastSent:
    """`hashed(values)` returns the keyed hash of each, `before` the same by older secrets;
    `fingerprints` is None if nothing is known.
    """

    def __init__(
        self, fingerprints: Fingerprints | None, hashed: Hashed, before: Sequence[Hashed] = ()
    ) -> None:
        self.fingerprints = fingerprints
        self._hashed = hashed
        self._before = before

    def changes(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields that differ from what was last sent, and did not come from the record itself.
        '' clears a field that we once sent.

        If nothing is known, nothing differs: we never sent what the record holds.
        """
        if self.fingerprints is None:
            return {}
        changed = {
            name: fields[name]
            for name, fingerprint in self._hashed(fields).items()
            if not self._is_of(self.fingerprints.get(name, " "), fingerprint, name, fields[name])
            and not self._came_from_record(name, fields)
        }
        ours = (name for name, fingerprint in self.fingerprints.items() if fingerprint[0] in _OURS)
        return changed | {name: "" for name in ours if name not in fields}

    def insisting_on(self, name: str) -> "LastSent":
        """The field is sent unless we sent this value before: a record's own value is not ours."""
        fingerprint = (self.fingerprints or {}).get(name, "")
        if fingerprint[:1] != _BASELINE:
            return self
        return LastSent({**(self.fingerprints or {}), name: _UNSURE}, self._hashed, self._before)

    def knows(self, name: str) -> bool:
        return self.fingerprints is not None and name in self.fingerprints

    def unsure(self, sending: Mapping[str, str]) -> dict[str, str]:
        """The fingerprints while a write is running."""
        fingerprints = self.fingerprints or {}
        return {
            **fingerprints,
            **{n: _OVERRULED if self.overruled(n) else _UNSURE for n in sending},
        }

    def after(
        self,
        fields: Mapping[str, str],
        sent: Mapping[str, str],
        in_record: Mapping[str, str] | None = None,
        kept: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """The fingerprints once `sent` has arrived. If nothing was known of the record, the
        customer's other values become its baseline. `in_record`: what the record holds that differs
        from `fields`, if the whole record is known; `kept`: fields that could not be cleared.
        """
        hashed = self._hashed(sent).items()
        arrived = {name: _SENT + fingerprint for name, fingerprint in hashed if sent[name]}
        is_new = self.fingerprints is None and fields is sent  # so there is nothing beside it
        fingerprints = arrived if is_new else self._beside(sent, fields) | arrived
        if in_record is not None:
            fingerprints[_RECORD_IS_KNOWN] = _RECORD_IS_KNOWN
        for more in (in_record, kept):
            if more:
                fingerprints |= self._of_record(more)
        return fingerprints

    def _beside(self, sent: Mapping[str, str], fields: Mapping[str, str]) -> dict[str, str]:
        """The fingerprints of all but what was sent."""
        if self.fingerprints is None:
            left = {name: value for name, value in fields.items() if name not in sent}
            return {
                name: _BASELINE + fingerprint for name, fingerprint in self._hashed(left).items()
            }
        gone = {*sent, *(_IN_RECORD + name for name in sent)}
        return {name: text for name, text in self.fingerprints.items() if name not in gone}

    # -- the record's own side

    @property
    def knows_record(self) -> bool:
        """Whether it is known what it contained when both sides last agreed."""
        return self.fingerprints is not None and _RECORD_IS_KNOWN in self.fingerprints

    def is_unsure(self, name: str) -> bool:
        return (self.fingerprints or {}).get(name) in {_UNSURE, _OVERRULED}

    def overruled(self, name: str) -> bool:
        """Whether the record's own change lost to what is to be sent."""
        return (self.fingerprints or {}).get(name) == _OVERRULED

    def changed_in_record(self, in_record: Mapping[str, str]) -> set[str]:
        """The fields of a record that have changed since both sides last agreed."""
        fingerprints, new = self.fingerprints or {}, set()
        for name, fingerprint in self._hashed(in_record).items():
            known = fingerprints.get(_IN_RECORD + name) or fingerprints.get(name, "")
            if (
                not self._is_of(known, fingerprint, name, in_record[name])
                if known
                else in_record[name]
            ):
                new.add(name)
        return new

    def differs(self, names: Iterable[str], fields: Mapping[str, str]) -> bool:
        """Whether the customer's side of these fields differs from what was last sent."""
        return bool(self.changes(fields).keys() & set(names))

    def writing(
        self, names: Iterable[str], fields: Mapping[str, str], in_record: Mapping[str, str]
    ) -> Fingerprints:
        """The fingerprints before the record's values are written to the customer, who has
        `fields`: if those came from the record, too, they are what both sides agreed on.
        """
        going = self._hashed({name: in_record[name] for name in names})
        marks = {_WRITING + name: _WRITTEN + hashed for name, hashed in going.items()}
        if not self.was_written(going, fields):
            return marks
        had = self._hashed({name: fields.get(name, "") for name in going})
        sent = {name: _SENT + hashed if fields.get(name) else "" for name, hashed in had.items()}
        return marks | sent | {_IN_RECORD + name: "" for name in going}

    def was_written(self, names: Iterable[str], fields: Mapping[str, str]) -> bool:
        """Whether the customer has what was last being written to them from the record."""
        marks, values = self.fingerprints or {}, {name: fields.get(name, "") for name in names}
        return all(
            self._is_of(marks.get(_WRITING + name, ""), hashed, name, values[name])
            for name, hashed in self._hashed(values).items()
        )

    def agreed(
        self, names: Iterable[str], fields: Mapping[str, str], in_record: Fingerprints
    ) -> Fingerprints:
        """The fingerprints of fields on which both sides agree now: `in_record` from the record,
        `fields` from the customer. '' removes a mark.
        """
        found = {name: fields.get(name, "") for name in names}
        hashed = self._hashed(found)
        sent = {n: _SENT + hashed[n] if value else "" for n, value in found.items()}
        differs = {n: in_record[n] for n in found if n in in_record and in_record[n] != found[n]}
        over = {mark + name: "" for name in found for mark in (_IN_RECORD, _WRITING)}
        return sent | over | self._of_record(differs)

    def has_own_value(self, name: str) -> bool:
        """Whether the record was seen to hold a value of its own in this field."""
        return self.fingerprints is not None and _IN_RECORD + name in self.fingerprints

    @property
    def is_owed(self) -> bool:
        """Whether the other channels have not been told yet what this record's system changed."""
        return self.fingerprints is not None and OWED in self.fingerprints

    def accept_record(self, in_record: Mapping[str, str]) -> Fingerprints:
        """The fingerprints after which `in_record` is no longer a change, whatever the customer
        has: it is not being written to them any more either.
        """
        return {_WRITING + name: "" for name in in_record} | self._of_record(in_record)

    def adopt_record(self, fields: Mapping[str, str], in_record: Mapping[str, str]) -> Fingerprints:
        """The fingerprints of a record of which nothing was known: what it holds stays."""
        theirs = {name: value for name, value in in_record.items() if value != fields.get(name, "")}
        return {**self.after(fields, {}, theirs)}

    def lost(
        self, names: Iterable[str], fields: Mapping[str, str], contested: Collection[str]
    ) -> Fingerprints:
        """The fingerprints by which fields are sent or cleared in any case: those that we once
        sent, and the `contested` ones.
        """
        ours = {n for n in names if (self.fingerprints or {}).get(n, " ")[0] in _OURS}
        going = [n for n in names if n in fields or n in ours or n in contested]
        over = {mark + name: "" for name in going for mark in (_IN_RECORD, _WRITING)}
        return dict.fromkeys(going, _OVERRULED) | over

    def _came_from_record(self, name: str, fields: Mapping[str, str]) -> bool:
        is_marked = _WRITING + name in (self.fingerprints or {}) and not self.is_unsure(name)
        return is_marked and self.was_written([name], fields)

    def _is_of(self, fingerprint: str, hashed: str, name: str, value: str) -> bool:
        """Whether the fingerprint is of this value, whose hash by the newest secret is given."""
        return fingerprint[1:] == hashed or any(
            fingerprint[1:] == before({name: value})[name] for before in self._before
        )

    def _of_record(self, in_record: Mapping[str, str]) -> dict[str, str]:
        return {
            _IN_RECORD + n: _RECORD_IS_KNOWN + fingerprint
            for n, fingerprint in self._hashed(in_record).items()
        }


Hashes = Mapping[str, Mapping[str, str]]
"""For each field: a hash of one of its values by any secret -> the hash by the newest."""


def all_known(fingerprints: Fingerprints, hashes: Hashes) -> bool:
    """Whether the value of each mark is known."""
    return all(
        fingerprint[-_HASH:] in hashes[name.removeprefix(_IN_RECORD)]
        for name, fingerprint in fingerprints.items()
        if len(fingerprint) > _HASH and not name.startswith(_WRITING)
    )


def rekeyed(fingerprints: Fingerprints, hashes: Hashes) -> Fingerprints:
    """The same fingerprints by the newest secret; a mark whose value is unknown stays as it is."""
    anew = dict(fingerprints)
    for name, fingerprint in fingerprints.items():
        known = hashes.get(name.removeprefix(_IN_RECORD), {}).get(fingerprint[-_HASH:])
        if known is not None and len(fingerprint) > _HASH:
            anew[name] = fingerprint[:-_HASH] + known
    return anew
