"""Rows are written in few numbers, none left out and none out of order."""

import pytest

from gateway.store.batches import batches


@pytest.mark.parametrize("most", [1, 3, 16, 64])
@pytest.mark.parametrize("count", [0, 1, 5, 7, 16, 31, 63, 65, 200])
def test_all_rows_come_in_their_order(count: int, most: int) -> None:
    rows = list(range(count))
    some = list(batches(rows, most))
    assert [row for batch in some for row in batch] == rows
    assert all(0 < len(batch) <= most for batch in some)


def test_there_are_few_numbers_of_rows() -> None:
    sizes = {len(batch) for count in range(500) for batch in batches(range(count), 64)}
    assert len(sizes) == 12


def test_most_numbers_of_a_few_rows_go_in_two() -> None:
    assert max(len(list(batches(range(count), 16))) for count in range(17)) == 2
