"""The pages of a list that is asked for again and again, as they came last."""

from typing import Final, Generic, TypeVar

__all__ = ["LatestPages"]

T = TypeVar("T")

_MOST: Final = 4
"""Pages that are kept: one may take some 2 MB."""


class LatestPages(Generic[T]):
    """By the lowest id that each was asked for from."""

    def __init__(self) -> None:
        self._pages: dict[int, T] = {}

    def get(self, low: int) -> T | None:
        return self._pages.get(low)

    def keep(self, low: int, page: T, *, goes_on: bool) -> None:
        """`goes_on`: it begins with all of the last one. Else those behind it have other rows now,
        and are forgotten.
        """
        if not goes_on:
            self._pages = {at: each for at, each in self._pages.items() if at < low}
        if low in self._pages or len(self._pages) < _MOST:
            self._pages[low] = page

    def all(self) -> list[T]:
        return [*self._pages.values()]
