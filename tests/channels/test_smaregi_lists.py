"""A list that begins as the last one is decoded from there, with the same result as a whole one."""

from collections.abc import Callable
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from gateway.channels.smaregi.lists import PAGE, GrowingList, page_of
from gateway.errors import UpstreamError
from gateway.wire import Access, Call, UpstreamAnswer

ONE, TWO, THREE = (b'{"customerId":"%d","lastName":"},{"}' % n for n in (1, 2, 3))
OTHER = b'{"customerId":"2","lastName":"[{\\"a\\":1}]"}'
NESTED = b'{"customerId":4,"favoriteList":[{"a":"b"}]}'
BODIES = [
    b"[]",
    b"[%s]" % ONE,
    b"[%s,%s]" % (ONE, TWO),
    b"[%s,%s,%s]" % (ONE, TWO, THREE),
    b"[%s,%s]" % (ONE, OTHER),
    b"[%s,%s]" % (ONE, NESTED),
    b"[%s,%s,%s]" % (ONE, NESTED, TWO),
    b"[%s,%s" % (ONE, TWO),
    b"[%s,%s" % (ONE, TWO[:-3]),
    b"[%s,]" % ONE,
    b"[,%s]" % ONE,
    b"[%s]]" % ONE,
    b"[%s],%s]" % (ONE, TWO),
    b"[%s,7]" % ONE,
    b'[%s,{"lastName":"x"}]' % ONE,
    b"[%s,%s\xff]" % (ONE, TWO),
    b"[%s , %s]" % (ONE, TWO),
    b"[%s\n]\n" % ONE,
    b"[%s\n]\n,%s]" % (ONE, TWO),
    b"[7]",
    b"]",
    b"",
    b"null",
    ONE,
]


Read = Callable[[UpstreamAnswer], object]


def read(page_of: Read, body: bytes) -> object:
    """Rows, or what the error says."""
    call = Call("smaregi", "list members", Access.READ, "GET", "http://127.0.0.1")
    try:
        return page_of(UpstreamAnswer(call, 200, {}, body))
    except UpstreamError as error:
        return str(error)


@pytest.mark.parametrize("first", BODIES, ids=range(len(BODIES)))
def test_whatever_came_before_a_list_is_read_as_if_it_were_the_first(first: bytes) -> None:
    for second, third in permutations(BODIES, 2):
        lists = GrowingList()
        for body in (first, second, third):
            ways = (partial(each, from_id=1) for each in (lists.page_of, page_of))
            known, anew = (read(way, body) for way in ways)
            assert known == anew, body


def test_rows_that_were_known_are_not_decoded_again() -> None:
    first_page = partial(GrowingList().page_of, from_id=1)
    found: list[Any] = [read(first_page, body) for body in (*BODIES[1:4], BODIES[3])]
    assert [len(rows) for rows in found] == [1, 2, 3, 3]
    assert len({id(rows[0]) for rows in found}) == len({id(rows[1]) for rows in found[1:]}) == 1


def pages(lists: GrowingList, *bodies: bytes) -> list[list[int]]:
    """The identity of each row, by page; page n is asked for from id 100 n + 1."""
    found: list[Any] = [
        read(partial(lists.page_of, from_id=100 * n + 1), body) for n, body in enumerate(bodies)
    ]
    return [[id(row) for row in rows] for rows in found]


def test_each_page_of_a_list_is_known_again() -> None:
    lists = GrowingList()
    first, second = pages(lists, BODIES[2], BODIES[1])
    assert pages(lists, BODIES[2], BODIES[2])[0] == first
    assert pages(lists, BODIES[2], BODIES[3])[1][:1] == second


def test_a_page_that_begins_anew_takes_those_behind_it_along() -> None:
    lists = GrowingList()
    pages(lists, BODIES[2], BODIES[1])
    pages(lists, BODIES[4])
    assert [*lists._pages._pages] == [1]


def test_no_more_than_some_pages_of_a_long_list_are_kept() -> None:
    lists = GrowingList()
    pages(lists, *[BODIES[2]] * 20)
    assert len(lists._pages.all()) == 4
    pages(lists, *[BODIES[3]] * 20)
    assert len(lists._pages.all()) == 4


def rows_of(*ids: int) -> bytes:
    return b"[%s]" % b",".join(b'{"customerId":%d}' % each for each in ids)


@pytest.mark.parametrize(
    ("first", "second", "is_read"),
    [
        (range(7, 7 + PAGE), (), True),
        (range(6, 6 + PAGE), (), False),
        ([*range(8, 7 + PAGE), 7], (), False),
        ([9, 8], (), True),
        (range(7, 17), range(17, 7 + PAGE), True),
        (range(7, 17), range(16, 6 + PAGE), True),
        (range(7, 17), range(15, 5 + PAGE), False),
        (range(7, 17), [*range(18, 7 + PAGE), 17], False),
        ([8, 7], range(9, 7 + PAGE), False),
        (range(6, 16), range(16, 6 + PAGE), False),
    ],
)
def test_a_full_page_must_rise_from_where_it_was_asked_for(
    first: range | list[int], second: range | list[int] | tuple[()], *, is_read: bool
) -> None:
    """The next page is asked for behind its last: others would be passed over."""
    known = partial(GrowingList().page_of, from_id=7)
    found = [read(known, rows_of(*first, *more)) for more in ((), second)][-1]
    assert found == read(partial(page_of, from_id=7), rows_of(*first, *second))
    assert isinstance(found, list) is is_read
    assert is_read or "order of their ids" in str(found)
