"""The match rules: which store member a customer is.

Pure. A false link costs more than a missed one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, fields

from gateway import frozen
from gateway.store.members import Member

__all__ = [
    "CreateNew",
    "Evidence",
    "LinkTo",
    "Undecided",
    "choose",
    "names_differ_wholly",
    "preference",
    "tied_members",
]

_COUNTS = {0, 2}
"""Smaregi's status: active, and lost card. 1 suspended, 3 withdrawn, 4 merged do not count."""
_SUSPENDED = 1


@frozen
class Evidence:
    """Keyed hashes of the customer's own data; None for what the customer did not tell."""

    kana_key: bytes | None
    name_key: bytes | None
    birth_key: bytes | None
    mobile_key: bytes | None = None
    postal_key: bytes | None = None
    place_key: bytes | None = None


_KEYS = tuple(each.name for each in fields(Evidence))


@frozen
class LinkTo:
    """The same person; `others` have the same e-mail and become possible duplicates.

    `signup_evidence` is what the customer was compared by, as the columns of the index.
    """

    member: Member
    others: tuple[Member, ...] = ()
    signup_evidence: Mapping[str, bytes | None] = field(default_factory=dict)


@frozen
class CreateNew:
    """No member is certainly this person; `possible` are those that may be."""

    possible: tuple[Member, ...] = ()


@frozen
class Undecided:
    """A person must decide; `reason` says why, without data."""

    reason: str


def choose(
    members: Sequence[Member], evidence: Evidence, *, link_contradicted: bool
) -> LinkTo | CreateNew | Undecided:
    """Decide among the members with the customer's e-mail."""
    usable = [member for member in members if member.status in _COUNTS]
    fitting = _fitting(usable, evidence, link_contradicted=link_contradicted)
    if fitting:
        best, *others = sorted(fitting, key=_preference)
        signup_evidence: dict[str, bytes | None] = {name: getattr(evidence, name) for name in _KEYS}
        signup_evidence["email_key"] = best.email_key
        return LinkTo(best, tuple(others) + _without(usable, fitting), signup_evidence)
    if usable:
        return CreateNew(tuple(usable))
    if any(member.status == _SUSPENDED for member in members):
        return Undecided("the store member with this e-mail is suspended (status 1)")
    return CreateNew(tuple(members))


def tied_members(
    members: Sequence[Member], evidence: Evidence, *, link_contradicted: bool
) -> list[int]:
    """Ids of those among whom points decide; none if it is clear without.

    The index has no points, so the caller reads them first.
    """
    usable = [member for member in members if member.status in _COUNTS]
    fitting = _fitting(usable, evidence, link_contradicted=link_contradicted)
    last = min((_preference(member)[0] for member in fitting), default=0)
    tied = [member.member_id for member in fitting if _preference(member)[0] == last]
    return tied if len(tied) > 1 else []


def _fitting(
    usable: Sequence[Member], evidence: Evidence, *, link_contradicted: bool
) -> list[Member]:
    return [m for m in usable if link_contradicted or not contradicts(m, evidence)]


def _without(members: Iterable[Member], left_out: Iterable[Member]) -> tuple[Member, ...]:
    gone = {member.member_id for member in left_out}
    return tuple(member for member in members if member.member_id not in gone)


def contradicts(member: Member, evidence: Evidence) -> bool:
    """Name and birth date both differ: a re-issued address, or a family that shares one.

    If both have kana, kana decides about the name, since it has no variants.
    """
    return _names_differ(member, evidence) and _differ(member.birth_key, evidence.birth_key)


def _names_differ(member: Member, evidence: Evidence) -> bool:
    if member.kana_key and evidence.kana_key:
        return member.kana_key != evidence.kana_key
    return _differ(member.name_key, evidence.name_key)


def names_differ_wholly(member: Member, evidence: Evidence) -> bool:
    """Whether both forms of the whole name are known on both sides, and neither is the same."""
    return _differ(member.kana_key, evidence.kana_key) and _differ(
        member.name_key, evidence.name_key
    )


def _differ(one: bytes | None, other: bytes | None) -> bool:
    return bool(one and other and one != other)


def _preference(member: Member) -> tuple[int, ...]:
    return preference(member.last_come, member.points, member.member_id)


def preference(last_come: str, points: int, member_id: int) -> tuple[int, int, int]:
    """The lowest goes first: seen last at the till, then most points, then the lowest id."""
    digits = "".join(letter for letter in last_come if letter.isdigit())[:14]
    return (-int(digits.ljust(14, "0")), -points, member_id)
