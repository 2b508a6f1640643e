"""Rows that are read by name and by place, as `sqlite3.Row`; and how values are sent."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Self

from psycopg import Connection, Cursor
from psycopg.abc import Buffer
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper

__all__ = ["Row", "made", "register"]


class Row(tuple[Any, ...]):
    """A class for each list of columns, so that a row is no more than its values."""

    __slots__ = ()
    places: ClassVar[dict[str, int]] = {}

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.places[key] if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        return list(self.places)

    @classmethod
    def of(cls, values: Sequence[Any]) -> Self:
        return cls(values)


@lru_cache(maxsize=1024)
def _class(names: tuple[str, ...]) -> type[Row]:
    places = {name: place for place, name in reversed([*enumerate(names)])}
    ordered = {name: places[name] for name in names}
    return type("Row", (Row,), {"__slots__": (), "places": ordered})


def made(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    """A row factory of psycopg's."""
    return _class(tuple(column.name for column in cursor.description or ())).of


class _Truth(Int8Dumper):
    """Truth is a number in every column: 1 or 0."""

    def dump(self, obj: Any) -> Buffer | None:
        return b"1" if obj else b"0"


class _Text(StrDumper):
    """PostgreSQL's texts have no character of code 0, which an upstream's message may have."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))


def register(connection: Connection[Any]) -> None:
    """Numbers are always of 64 bits and texts always texts, so that a statement that is prepared
    serves whatever comes.
    """
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(bool, _Truth)
    connection.adapters.register_dumper(str, _Text)
