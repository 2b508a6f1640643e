"""One registration reaches Shopify, Smaregi, the CRM and the mailbox, whatever fails on the way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeVar, dataclass_transform

__all__ = ["REMEMBERED", "at_first_use", "frozen"]

_T = TypeVar("_T")

REMEMBERED = 256
"""How many of what people wrote (names, addresses, postal codes) each cache keeps, read by each
when it is imported. Who reads a million people sets more, before it imports anything else.
"""


def at_first_use(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose names are imported when somebody asks for the first of
    them (PEP 562). `names`: a module of it, and its names by spaces.

    `normalize` needs the pure mappings of a room whose `__init__` offers its client as well, and
    with it aiohttp and the database: a third of a second for nothing. Such an `__init__` has its
    imports below `if TYPE_CHECKING`, as mypy and the reader see them.
    """
    where = {name: module for module, listed in names.items() for name in listed.split()}

    def found(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{where[name]}"), name)

    return found


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_T]) -> type[_T]:
    """A dataclass for values that nobody changes. The type checker holds that: the interpreter's
    own guard (`frozen=True`) makes a value six times as dear, and a sign-up makes eighty.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
