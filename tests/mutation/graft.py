"""Puts a mutant into a program that is loaded already: its code, its defaults, its constants."""

import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import PurePath
from types import FunctionType, ModuleType
from typing import Any

__all__ = ["forget_cached", "graft", "load"]

_PLAIN = (bool, int, float, str, bytes, tuple, list, set, frozenset, dict, PurePath, type(None))


def graft(name: str, code: str) -> None:
    """The module's functions, wherever they were taken to, do from now on what `code` says.

    Raises whatever the mutant raises when it is loaded.
    """
    _graft(sys.modules[name], load(name, code), everywhere=True)


def load(name: str, code: str) -> ModuleType:
    """The module as it would be if this were its code; nobody imports it."""
    fresh = ModuleType(name)
    fresh.__file__ = sys.modules[name].__file__
    exec(compile(code, str(fresh.__file__), "exec"), vars(fresh))
    return fresh


def forget_cached(name: str) -> None:
    """What an earlier test has left to a later one, so that each runs the lines that it needs."""
    for value in vars(sys.modules[name]).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


def _graft(old: Any, new: Any, *, everywhere: bool) -> None:
    for name, value in list(vars(new).items()):
        before = vars(old).get(name)
        if getattr(value, "__module__", None) != new.__name__ and callable(value) and everywhere:
            continue  # imported
        functions = list(zip(_functions_of(before), _functions_of(value), strict=False))
        for known, mutated in functions:
            known.__code__ = mutated.__code__
            known.__defaults__ = mutated.__defaults__
            known.__kwdefaults__ = mutated.__kwdefaults__
        if hasattr(before, "cache_clear"):
            before.cache_clear()
        if isinstance(value, type) and isinstance(before, type):
            if is_dataclass(value):  # its factories are in no code, and in no default
                before.__init__ = value.__init__  # type: ignore[misc]
            _graft(before, value, everywhere=False)
        elif not functions and not name.startswith("__") and _is_plain(value) and before != value:
            _set(old, name, before, value, everywhere=everywhere)


def _functions_of(value: Any) -> Iterator[FunctionType]:
    """Itself, and those that decorators have wrapped."""
    value = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
    while value is not None:
        if isinstance(value, FunctionType):
            yield value
        value = getattr(value, "__wrapped__", None)


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN)


def _set(old: Any, name: str, before: Any, value: Any, *, everywhere: bool) -> None:
    ownership = [old]
    if everywhere:
        ownership += [m for n, m in list(sys.modules.items()) if n.startswith(("gateway", "tests"))]
    for holder in ownership:
        if vars(holder).get(name) is before:
            setattr(holder, name, value)
