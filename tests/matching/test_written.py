"""What is known of the rows that lists show again, against a plain memory of every row."""

from random import Random
from typing import Any

import pytest

from gateway.matching.written import WrittenRows

Row = dict[str, Any]


def row(member_id: int, version: int = 0, updated: str = "2026-11-21T09:00:00+09:00") -> Row:
    return {"customerId": member_id, "lastName": f"v{version}", "updDateTime": updated}


class Plain:
    """Every row that was met, and the latest refresh that met it."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[str, int]] = {}

    def meet(self, page: list[Row], refresh: int) -> list[Row]:
        news = []
        for each in page:
            text, met = self.rows.get(each["customerId"], ("", 0))
            if refresh < met:
                continue
            if text != str(each):
                news.append(each)
            self.rows[each["customerId"]] = str(each), refresh
        return news


@pytest.mark.parametrize("seed", range(30))
def test_of_any_course_of_lists_the_same_rows_are_news(seed: int) -> None:
    """Lists of some pages that grow, change, lose their beginning and end out of order."""
    draw = Random(seed)
    plain, written = Plain(), WrittenRows()
    shop = {n: row(n) for n in range(1, draw.randint(2, 6))}
    oldest, size = 1, draw.randint(1, 4)
    held: list[tuple[int, list[tuple[int, list[Row]]]]] = []
    for refresh in range(1, 60):
        if draw.random() < 0.15:
            shop[len(shop) + 1] = row(len(shop) + 1)
        if shop and draw.random() < 0.3:
            changed = draw.choice([*shop])
            shop[changed] = row(changed, draw.randint(0, 1))
        if draw.random() < 0.1:
            oldest = draw.randint(1, len(shop) + 1)
        listed = [shop[n] for n in sorted(shop) if n >= oldest]
        pages, low = [], 1
        for start in range(0, len(listed) + 1, size):
            pages.append((low, listed[start : start + size]))
            low = listed[min(start + size, len(listed)) - 1]["customerId"] + 1 if listed else 1
        held.append((refresh, pages))
        if draw.random() < 0.6:
            continue  # it ends later, behind others
        while held:
            number, ended = held.pop(draw.randrange(len(held)))
            for low, page in ended:
                met = written.meet(low, page, number)
                assert met.news == plain.meet(page, number), (seed, refresh, low)
                written.note(met)


def test_rows_of_every_page_that_come_again_are_not_looked_at() -> None:
    written = WrittenRows()
    first, second = [row(n) for n in (1, 2, 3)], [row(n) for n in (4, 5)]
    for low, page in ((1, first), (4, second)):
        written.note(written.meet(low, page, 1))
    assert written.meet(1, first, 2).others == []
    more = written.meet(4, [*second, row(6)], 2)
    assert [member for member, _ in more.others] == [6]
    assert more.news == [row(6)]


def test_the_newest_stamp_is_that_of_the_whole_page() -> None:
    written = WrittenRows()
    early, late = (row(n, updated=f"2026-11-21T09:00:0{n}+09:00") for n in (1, 2))
    for page in ([late], [late, early], [late, early]):
        met = written.meet(1, page, 1)
        assert met.newest == late["updDateTime"]
        written.note(met)
    assert written.meet(1, [early], 2).newest == early["updDateTime"]


def test_where_the_list_began_anew_the_pages_behind_are_known_again() -> None:
    written = WrittenRows()
    for oldest in range(1, 20):
        pages = [(1, [row(n) for n in (oldest, oldest + 1)]), (oldest + 2, [row(oldest + 2)])]
        for low, page in pages:
            written.note(written.meet(low, page, oldest))
        assert [written.meet(low, page, oldest).others for low, page in pages] == [[], []]


def test_what_is_kept_of_long_lists_has_a_bound() -> None:
    written = WrittenRows()
    for refresh in range(1, 30):
        for n in range(20):
            page = [row(1000 * n + place, refresh) for place in range(500)]
            written.note(written.meet(1000 * n, page, refresh))
            assert len(written._pages.all()) <= 4
            assert len(written._rows) <= 2500
