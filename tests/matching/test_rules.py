"""Which store member a customer is: the table of the rules."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.matching import CreateNew, Evidence, LinkTo, Undecided, choose
from gateway.store.members import Member

KANA, NAME, BIRTH, OTHER = b"kana", b"name", b"birth", b"other"
TARO = Evidence(KANA, NAME, BIRTH)
PLAIN = Member(1, "00000001", "", b"email", 0, KANA, NAME, BIRTH, "", 0)


def a_member(member_id: int = 1, **changes: Any) -> Member:
    return dataclasses.replace(PLAIN, member_id=member_id, **changes)


def chosen(*found: Member, evidence: Evidence = TARO, contradicted: bool = False) -> object:
    decision = choose(found, evidence, link_contradicted=contradicted)
    return decision.member.member_id if isinstance(decision, LinkTo) else type(decision)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(0, 1), (1, Undecided), (2, 1), (3, CreateNew), (4, CreateNew)],
)
def test_a_members_status_decides_whether_it_counts(status: int, expected: object) -> None:
    assert chosen(a_member(status=status)) == expected


def test_nobody_with_this_e_mail_is_a_new_member() -> None:
    assert chosen() is CreateNew


def test_an_active_member_goes_before_a_suspended_one() -> None:
    assert chosen(a_member(1, status=1), a_member(2)) == 2


def test_a_suspended_member_is_not_replaced_by_a_new_one_beside_a_withdrawn() -> None:
    assert chosen(a_member(1, status=3), a_member(2, status=1)) is Undecided


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ({"last_come": "2026-11-01T10:00:00+09:00"}, {"last_come": "2025-01-01T10:00:00+09:00"}),
        ({"last_come": "2026-11-01T10:00:00+09:00"}, {"points": 9000}),
        ({"last_come": "2026-11-01"}, {"last_come": ""}),
        ({"points": 10}, {"points": 9}),
        ({}, {"points": -1}),
    ],
)
def test_seen_last_then_most_points_then_the_lowest_id(
    winner: dict[str, Any], loser: dict[str, Any]
) -> None:
    assert chosen(a_member(1, **loser), a_member(2, **winner)) == 2
    assert chosen(a_member(1, **winner), a_member(2, **loser)) == 1
    assert chosen(a_member(2), a_member(1)) == 1


@pytest.mark.parametrize(
    ("changes", "contradicts"),
    [
        ({}, False),
        ({"kana_key": OTHER}, False),
        ({"birth_key": OTHER}, False),
        ({"kana_key": OTHER, "birth_key": OTHER}, True),
        ({"name_key": OTHER, "birth_key": OTHER}, False),  # the kana is the same person's
        ({"kana_key": None, "name_key": OTHER, "birth_key": OTHER}, True),
        ({"kana_key": None, "name_key": None, "birth_key": OTHER}, False),
        ({"kana_key": OTHER, "birth_key": None}, False),
    ],
)
def test_only_name_and_birth_date_together_contradict(
    changes: dict[str, Any], contradicts: bool
) -> None:
    found = a_member(**changes)
    assert chosen(found) == (CreateNew if contradicts else 1)
    assert chosen(found, contradicted=True) == 1


def test_what_the_customer_did_not_tell_contradicts_nothing() -> None:
    found = a_member(kana_key=OTHER, name_key=OTHER, birth_key=OTHER)
    assert chosen(found, evidence=Evidence(None, None, None)) == 1


def test_the_others_with_this_e_mail_become_possible_duplicates() -> None:
    family = a_member(3, kana_key=OTHER, birth_key=OTHER)
    decision = choose([a_member(1), a_member(2), family], TARO, link_contradicted=False)
    assert isinstance(decision, LinkTo)
    assert [m.member_id for m in decision.others] == [2, 3]
    decision = choose([family], TARO, link_contradicted=False)
    assert isinstance(decision, CreateNew)
    assert [m.member_id for m in decision.possible] == [3]


keys = st.sampled_from([None, KANA, OTHER])
found_members = st.lists(
    st.builds(
        Member,
        st.integers(1, 50),
        st.just("1"),
        st.just(""),
        st.just(b"email"),
        st.integers(0, 4),
        keys,
        keys,
        keys,
        st.sampled_from(["", "2026-11-01T10:00:00+09:00", "no date"]),
        st.integers(-5, 5),
    ),
    unique_by=lambda m: m.member_id,
    max_size=5,
)


@given(found_members, st.builds(Evidence, keys, keys, keys), st.booleans(), st.randoms())
def test_the_decision_does_not_depend_on_the_order_and_links_only_what_counts(
    found: list[Member], evidence: Evidence, contradicted: bool, random: object
) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first = choose(found, evidence, link_contradicted=contradicted)
    second = choose(shuffled, evidence, link_contradicted=contradicted)
    assert type(first) is type(second)
    if isinstance(first, LinkTo) and isinstance(second, LinkTo):
        assert first.member == second.member
        assert first.member.status in {0, 2}
        assert first.member not in first.others
