"""What a record was last given, as keyed hashes: only what differs is sent."""

import pytest

from gateway.channels import LastSent
from gateway.store import Keys

KEYS = Keys("a secret of the tests")


def last_sent(fingerprints: dict[str, str] | None = None) -> LastSent:
    return LastSent(fingerprints, lambda values: KEYS.field_fingerprints("smaregi 1", values))


CREATED = last_sent(last_sent().after({"name": "a", "phone": "1"}, {"name": "a", "phone": "1"}))
LINKED = last_sent(last_sent().after({"name": "a", "phone": "1"}, {}))


@pytest.mark.parametrize(
    ("before", "now", "sent"),
    [
        (CREATED, {"name": "a", "phone": "1"}, {}),
        (CREATED, {"name": "b", "phone": "1"}, {"name": "b"}),
        (CREATED, {"name": "a"}, {"phone": ""}),
        (CREATED, {"name": "a", "phone": "1", "zip": "2"}, {"zip": "2"}),
        (LINKED, {"name": "a", "phone": "1"}, {}),
        (LINKED, {"name": "b", "phone": "1"}, {"name": "b"}),
        (LINKED, {"name": "a"}, {}),  # what we never sent is not ours to clear
        (LINKED, {"name": "a", "phone": "1", "zip": "2"}, {"zip": "2"}),
        (last_sent(), {"name": "a"}, {}),  # a link of which nothing is known
    ],
)
def test_only_what_differs_is_sent_and_a_blank_clears_only_what_we_sent(
    before: LastSent, now: dict[str, str], sent: dict[str, str]
) -> None:
    assert before.changes(now) == sent


def test_what_a_write_may_have_left_is_sent_again_even_if_it_is_as_before() -> None:
    unsure = last_sent(CREATED.unsure({"phone": "2"}))
    assert unsure.changes({"name": "a", "phone": "1"}) == {"phone": "1"}
    assert unsure.changes({"name": "a"}) == {"phone": ""}


def test_after_a_change_the_record_is_known_again() -> None:
    now = {"name": "b", "zip": "2"}
    after = last_sent(LINKED.after(now, {"name": "b", "zip": "2"}))
    assert after.changes(now) == {}
    assert after.changes({"name": "b"}) == {"zip": ""}


def test_marks_are_keyed_and_bound_to_the_person_and_the_field() -> None:
    fingerprints = KEYS.field_fingerprints("smaregi 1", {"a": "x", "b": "x"})
    assert len({*fingerprints.values(), KEYS.field_fingerprints("smaregi 2", {"a": "x"})["a"]}) == 3
    assert (
        Keys("another secret").field_fingerprints("smaregi 1", {"a": "x"})["a"] != fingerprints["a"]
    )
    assert all(len(mark) == 16 for mark in fingerprints.values())


def test_what_the_customers_side_refused_of_the_record_is_sent_to_the_record_again() -> None:
    """Whoever enters the till's value in Shopify later wants it in the member."""
    customers, tills = {"name": "a", "phone": "1"}, {"name": "a", "phone": "2"}
    announced = last_sent(
        {**CREATED.fingerprints, **CREATED.writing(["phone"], customers, tills)}  # type: ignore[dict-item]
    )
    assert announced.changes(tills) == {}
    refused = announced.accept_record({"phone": "2"})
    marks = {n: m for n, m in {**announced.fingerprints, **refused}.items() if m}  # type: ignore[dict-item]
    assert last_sent(marks).changes(tills) == {"phone": "2"}
    assert last_sent(marks).changed_in_record({"phone": "2"}) == set()
