"""Whether two store members may be one person: the evidence for and against it, in points.

Pure, and on keyed hashes alone. A placeholder has no hash, so it is never evidence. A landline and
an address belong to a household: they count only together with the name.
"""

from collections.abc import Iterable
from enum import StrEnum

from gateway import frozen
from gateway.store.members import Member

__all__ = ["POSSIBLE_FROM", "Judgement", "Reason", "judge", "judge_forms"]

POSSIBLE_FROM = 40
"""Points from which two members are a possible duplicate without the same e-mail."""

_WITHDRAWN, _MERGED = 3, 4


class Reason(StrEnum):
    """What two members have in common, or not; `words` and `points` explain it to a person."""

    EMAIL = "email"
    MOBILE = "mobile"
    KANA_BIRTH = "kana_birth"
    KANA_POSTAL = "kana_postal"
    NAME_PLACE = "name_place"
    NAME = "name"
    MERGED_ONLINE = "merged_online"
    OTHER_NAME = "other_name"
    OTHER_BIRTH = "other_birth"

    @property
    def words(self) -> str:
        return _EXPLAINED[self][0]

    @property
    def points(self) -> int:
        return _EXPLAINED[self][1]


_EXPLAINED = {
    Reason.EMAIL: ("the same e-mail", 50),
    Reason.MOBILE: ("the same mobile number", 45),
    Reason.KANA_BIRTH: ("the same kana and birth date", 60),
    Reason.KANA_POSTAL: ("the same kana and postal code", 40),
    Reason.NAME_PLACE: ("the same name and address", 50),
    Reason.NAME: ("the same name", 25),  # only beside an e-mail or a mobile number
    Reason.MERGED_ONLINE: ("their online customers were merged in Shopify", 60),
    Reason.OTHER_NAME: ("another name", -50),  # more than a mobile number: families share one
    Reason.OTHER_BIRTH: ("another birth date", -30),
}


@frozen
class Judgement:
    """`reasons` in the order of the table; `score` is the sum of their points."""

    reasons: tuple[Reason, ...]

    @property
    def score(self) -> int:
        return sum(reason.points for reason in self.reasons)

    @property
    def is_possible(self) -> bool:
        """The same e-mail is always shown to a person, because sign-ups are matched by it. So are
        members whose customers were merged.
        """
        shown = {Reason.EMAIL, Reason.MERGED_ONLINE} & {*self.reasons}
        return bool(shown) or self.score >= POSSIBLE_FROM

    def with_merge(self) -> "Judgement":
        """Their online customers were merged, too."""
        known = {*self.reasons, Reason.MERGED_ONLINE}
        return Judgement(tuple(reason for reason in Reason if reason in known))


def judge(one: Member, other: Member, *, known: bool = False) -> Judgement | None:
    """The evidence for and against; None if there is no question at all.

    A merged member (status 4) no longer counts. A withdrawn one (3) is a question only if a sign-up
    created a new member beside it, which was written down then: `known`.
    """
    if _MERGED in {one.status, other.status}:
        return None
    common = _in_common(one, other)
    if _WITHDRAWN in {one.status, other.status} and not (known and Reason.EMAIL in common):
        return None
    if not common:
        return None
    return Judgement((*common, *_against(one, other)))


def judge_forms(
    one: Iterable[Member], other: Iterable[Member], *, known: bool = False
) -> Judgement | None:
    """The likeliest judgement of two people who are known in several forms each.

    A till may have a name and a telephone number of somebody who told the rest online.
    """
    found = (judge(a, b, known=known) for a in one for b in other)
    return max(filter(None, found), key=lambda judged: judged.score, default=None)


def _in_common(one: Member, other: Member) -> tuple[Reason, ...]:
    kana, name = _same(one.kana_key, other.kana_key), _same(one.name_key, other.name_key)
    with_name = {
        Reason.KANA_BIRTH: kana and _same(one.birth_key, other.birth_key),
        Reason.KANA_POSTAL: kana and _same(one.postal_key, other.postal_key),
        Reason.NAME_PLACE: (kana or name) and _same(one.place_key, other.place_key),
    }
    alone = {
        Reason.EMAIL: _same(one.email_key, other.email_key),
        Reason.MOBILE: _same(one.mobile_key, other.mobile_key),
    }
    named = (kana or name) and any(alone.values()) and not any(with_name.values())
    found = alone | with_name | {Reason.NAME: named}
    return tuple(reason for reason, holds in found.items() if holds)


def _against(one: Member, other: Member) -> tuple[Reason, ...]:
    kana, name = _differ(one.kana_key, other.kana_key), _differ(one.name_key, other.name_key)
    same = _same(one.kana_key, other.kana_key) or _same(one.name_key, other.name_key)
    found = {
        Reason.OTHER_NAME: (kana or name) and not same,
        Reason.OTHER_BIRTH: _differ(one.birth_key, other.birth_key),
    }
    return tuple(reason for reason, holds in found.items() if holds)


def _same(one: bytes | None, other: bytes | None) -> bool:
    return one is not None and one == other


def _differ(one: bytes | None, other: bytes | None) -> bool:
    return one is not None and other is not None and one != other
