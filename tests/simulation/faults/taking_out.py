"""A mend is taken out by changing the text of functions: what is not there any more is an error."""

import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from tests.simulation.runs import Outcome, campaign

__all__ = ["Change", "Fault", "hunt", "without"]


@dataclass(frozen=True, slots=True)
class Change:
    """In `place` (`package.module:Class.function`) every `old` of its source is `new` instead."""

    place: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Fault:
    """`family` plays what meets it."""

    name: str
    family: str
    changes: Sequence[Change]


def hunt(fault: Fault, seconds: float = 60.0, seed: int = 0) -> Outcome:
    """Runs of its family without the mend, until one finds something."""
    with without(fault):
        return campaign([fault.family], seed, seconds=seconds, until=lambda o: bool(o.findings))


@contextmanager
def without(fault: Fault) -> Iterator[None]:
    undo = []
    try:
        undo += [_changed(change) for change in fault.changes]
        yield
    finally:
        for step in reversed(undo):
            step()


def _changed(change: Change) -> Callable[[], None]:
    module_name, _, path = change.place.partition(":")
    module = importlib.import_module(module_name)
    *classes, name = path.split(".")
    holder: Any = module
    for each in classes:
        holder = getattr(holder, each)
    old = vars(holder)[name]
    source = textwrap.dedent(inspect.getsource(_function(old)))
    if change.old not in source:
        raise LookupError(f"{change.place} does not hold any more: {change.old}")
    made: dict[str, Any] = {}
    exec(source.replace(change.old, change.new), _function(old).__globals__, made)
    ownership = (
        [holder] if classes else [each for each in _gateway() if vars(each).get(name) is old]
    )
    for held_by in ownership:
        setattr(held_by, name, made[name])
    return partial(_put_back, ownership, name, old)


def _gateway() -> Iterator[ModuleType]:
    """Whoever imports a function by its name holds it too."""
    return (m for n, m in list(sys.modules.items()) if n.partition(".")[0] == "gateway")


def _put_back(ownership: Sequence[Any], name: str, old: Any) -> None:
    for each in ownership:
        setattr(each, name, old)


def _function(value: Any) -> Any:
    function: Any = value.fget if isinstance(value, property) else value
    return inspect.unwrap(function)
