"""Whether two members may be one person: the table of the rules."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway
from gateway.duplicates import POSSIBLE_FROM, Reason, judge
from gateway.store.members import Member

PLAIN = Member(1, "1", "", b"e1", 0, b"k1", b"n1", b"b1", "", 0, b"m1", b"p1", b"a1")
EVIDENCE = ("email", "kana", "name", "birth", "mobile", "postal", "place")


def another(*same: str, missing: tuple[str, ...] = (), **changes: Any) -> Member:
    """Somebody who has only `same` in common with PLAIN."""
    keys: dict[str, Any] = {f"{each}_key": b"other" for each in EVIDENCE if each not in same}
    keys |= {f"{each}_key": None for each in missing}
    return dataclasses.replace(PLAIN, member_id=2, **keys | changes)


def reasons(other: Member) -> tuple[str, ...]:
    judged = judge(PLAIN, other)
    return judged.reasons if judged else ()


LISTED = {
    "moved, with another e-mail": another("kana", "name", "birth", "mobile"),
    "only the mobile is told": another("mobile", missing=("kana", "name", "birth")),
    "the same name and mobile, a typo in the birth date": another("kana", "name", "mobile"),
    "the same name in another writing": another("kana", "birth"),
    "a neighbour of the same name": another("kana", "postal", missing=("birth",)),
    "name and address, no kana": another("name", "place", missing=("kana", "birth", "postal")),
    "a typo in the birth date, one house": another("kana", "name", "postal", "place"),
    "a re-issued e-mail": another("email"),
}
NOT_LISTED = {
    "a recycled number": another("mobile"),
    "a recycled number, birth dates unknown": another("mobile", missing=("birth",)),
    "twins with their mother's mobile": another("mobile", "birth", "postal", "place"),
    "twins at one address": another("birth", "postal", "place"),
    "a household": another("postal", "place", missing=("birth",)),
    "names unknown, one address": another("postal", "place", missing=("kana", "name", "birth")),
    "one name, nothing else": another("kana", "name", missing=("birth",)),
    "a namesake nearby with another birth date": another("kana", "name", "postal"),
    "one birth date": another("birth"),
    "nothing": another(),
}


@pytest.mark.parametrize("case", LISTED)
def test_what_is_listed(case: str) -> None:
    judged = judge(PLAIN, LISTED[case])
    assert judged is not None
    assert judged.is_possible


@pytest.mark.parametrize("case", NOT_LISTED)
def test_what_is_not_listed(case: str) -> None:
    judged = judge(PLAIN, NOT_LISTED[case])
    assert judged is None or not judged.is_possible


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (another("email", "kana", "name", "birth"), ("email", "kana_birth")),
        (another("mobile", "kana"), ("mobile", "name", "other_birth")),
        (another("mobile", "name", missing=("birth",)), ("mobile", "name")),
        (another("email", missing=("kana", "name")), ("email", "other_birth")),
        (
            another(*EVIDENCE),
            ("email", "mobile", "kana_birth", "kana_postal", "name_place"),
        ),
        (another(), ()),
    ],
)
def test_the_reasons_of_a_pair(other: Member, expected: tuple[str, ...]) -> None:
    assert reasons(other) == expected


@pytest.mark.parametrize(
    ("statuses", "known", "judged"),
    [
        ((0, 0), False, True),
        ((0, 1), False, True),
        ((2, 0), False, True),
        ((0, 3), False, False),
        ((0, 3), True, True),
        ((3, 0), True, True),
        ((0, 4), True, False),
        ((4, 0), False, False),
    ],
)
def test_a_members_status_decides_whether_it_is_a_question(
    statuses: tuple[int, int], known: bool, judged: bool
) -> None:
    one = dataclasses.replace(PLAIN, status=statuses[0])
    other = another("email", status=statuses[1])
    assert (judge(one, other, known=known) is not None) is judged


def test_a_known_withdrawn_member_with_another_e_mail_now_is_no_question() -> None:
    assert judge(PLAIN, another("mobile", "kana", status=3), known=True) is None


def test_every_reason_is_explained_in_words_without_data_and_in_the_documents() -> None:
    document = (Path(gateway.__file__).parent / "docs/duplicates.md").read_text("utf-8")
    for reason in Reason:
        line = rf"^\| {re.escape(reason.words)}[^|]* \| {reason.points} \|$"
        assert re.search(line, document, re.MULTILINE)
    assert f"from {POSSIBLE_FROM} points" in document


keys = st.sampled_from([None, b"1", b"2"])
anybody = st.builds(
    Member,
    st.integers(1, 9), st.just(""), st.just(""), keys, st.integers(0, 4), keys, keys, keys,
    st.just(""), st.just(0), keys, keys, keys,
)  # fmt: skip


@given(anybody, anybody, st.booleans())
def test_it_does_not_matter_who_is_named_first(one: Member, other: Member, known: bool) -> None:
    assert judge(one, other, known=known) == judge(other, one, known=known)


@given(anybody, anybody)
def test_the_points_of_the_reasons_are_the_score(one: Member, other: Member) -> None:
    judged = judge(one, other)
    if judged is not None:
        assert judged.score == sum(reason.points for reason in judged.reasons)
        assert any(reason.points > 0 for reason in judged.reasons)
