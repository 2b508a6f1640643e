"""Allowances, and the addresses by which visitors are told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.rates import Buckets, client_address


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_allowance_refills_evenly_and_is_each_ones_own() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    assert [buckets.wait("a", 2) for _ in range(3)] == [0, 0, 0.5]
    assert buckets.wait("b", 2) == 0
    clock.now += 0.5
    assert [buckets.wait("a", 2) for _ in range(2)] == [0, 0.5]
    clock.now += 3600
    assert [buckets.wait("a", 2) for _ in range(3)] == [0, 0, 0.5]


def test_less_than_one_a_second_is_one_request_at_a_time() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    assert [buckets.wait("a", 0.1) for _ in range(2)] == [0, 10]
    clock.now += 10
    assert buckets.wait("a", 0.1) == 0


def test_memory_is_bounded_and_who_still_comes_is_not_forgotten() -> None:
    buckets = Buckets(Clock(), most=100)
    assert buckets.wait("busy", 1) == 0
    for number in range(10_000):
        buckets.wait(f"visitor {number}", 1)
        assert buckets.wait("busy", 1) > 0
        assert len(buckets) <= 100


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("203.0.113.7", " 203.0.113.7 "),
        ("203.0.113.7", "::ffff:203.0.113.7"),
        ("2001:db8:1:2::1", "2001:DB8:1:2:ffff:ffff:ffff:ffff"),
        ("2001:db8:1:2::1", "[2001:db8:1:2::2]"),
        ("fe80::1", "fe80::2%eth0"),
    ],
)
def test_one_visitor_has_one_name(one: str, other: str) -> None:
    assert client_address(one) == client_address(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("203.0.113.7", "203.0.113.8"), ("2001:db8:1:2::1", "2001:db8:1:3::1"), ("::1", "0.0.0.1")],
)
def test_two_visitors_have_two(one: str, other: str) -> None:
    assert client_address(one) != client_address(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "203.0.113",
        "203.0.113.07",
        "203.0.113.7:443",
        "[2001:db8::1]:443",
        "203.0.113.7, 10.0.0.1",
        "203.0.113.0/24",
        "２０３.0.113.7",
        "1",
        ":" * 5000,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        client_address(text)


@given(st.text() | st.ip_addresses().map(str))
def test_any_text_is_a_short_name_or_refused(text: str) -> None:
    try:
        assert len(client_address(text)) < 24
    except ValueError:
        return
