"""Time, chance and the outbound edges as the gateway and the stand-ins find them in a simulation.

Every module of `gateway` gets a `time`, `random`, `secrets` and `uuid` of its own, and functions
whose default is the real clock get the virtual one: nothing outside of these modules is touched.
"""

import random
import secrets
import sys
import time
import types
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from random import Random
from typing import Any, Protocol

__all__ = ["EPOCH", "Moment", "virtual"]

EPOCH = 1_800_000_000.0
"""Unix seconds at the loop's time 0."""


class Moment(Protocol):
    """What a simulation tells the parts: both clocks, and the dice of what is drawn in them."""

    def wall(self) -> float: ...

    def monotonic(self) -> float: ...

    @property
    def chance(self) -> Random: ...


class _Time:
    def __init__(self, now: Callable[[], Moment]) -> None:
        self.time = lambda: now().wall()
        self.monotonic = lambda: now().monotonic()
        self.perf_counter = self.monotonic


class _Random:
    def __init__(self, now: Callable[[], Moment]) -> None:
        self._now = now
        self.Random = Random

    def random(self) -> float:
        return self._now().chance.random()


class _Secrets:
    def __init__(self, now: Callable[[], Moment]) -> None:
        self._now = now

    def randbits(self, bits: int) -> int:
        return self._now().chance.getrandbits(bits)

    def choice(self, letters: str) -> str:
        return self._now().chance.choice(letters)

    def token_hex(self, size: int) -> str:
        return f"{self.randbits(8 * size):0{2 * size}x}"

    token_urlsafe = token_hex


class _Uuid:
    UUID = uuid.UUID

    def __init__(self, now: Callable[[], Moment]) -> None:
        self.uuid4 = lambda: uuid.UUID(int=now().chance.getrandbits(128), version=4)


def _dates(now: Callable[[], Moment]) -> type[datetime]:
    class Dates(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(now().wall(), tz)

    return Dates


_DATED = (
    "gateway.sandbox.shopify.notices",
    "gateway.sandbox.smaregi.members",
    "gateway.http.forms.registration",
)


@contextmanager
def virtual(now: Callable[[], Moment]) -> Iterator[None]:
    """Inside, `now()` is asked wherever a part asks for the time or draws."""
    clock = _Time(now)
    modules: dict[types.ModuleType, Any] = {
        time: clock,
        random: _Random(now),
        secrets: _Secrets(now),
        uuid: _Uuid(now),
    }
    clocks = {time.time: clock.time, time.monotonic: clock.monotonic}
    undo: list[Callable[[], None]] = []
    try:
        for name, module in list(sys.modules.items()):
            if name == "gateway" or name.startswith("gateway."):
                undo += _names(module, modules)
                undo += _defaults(module, clocks)
        for name in _DATED:
            undo.append(_set(sys.modules[name], "datetime", _dates(now)))
        yield
    finally:
        for step in reversed(undo):
            step()


def _names(
    module: types.ModuleType, modules: dict[types.ModuleType, Any]
) -> Iterator[Callable[[], None]]:
    for name, value in list(vars(module).items()):
        if isinstance(value, types.ModuleType) and value in modules:
            yield _set(module, name, modules[value])


def _defaults(
    module: types.ModuleType, clocks: dict[Callable[[], float], Callable[[], float]]
) -> Iterator[Callable[[], None]]:
    """Parameters such as `clock: Callable[[], float] = time.time`, in a module's classes."""
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            for function in vars(value).values():
                if isinstance(function, types.FunctionType):
                    yield from _default(function, clocks)


def _default(
    function: types.FunctionType, clocks: dict[Callable[[], float], Callable[[], float]]
) -> Iterator[Callable[[], None]]:
    named = function.__kwdefaults__ or {}
    if any(_is_clock(value, clocks) for value in named.values()):
        replaced = {k: clocks[v] if _is_clock(v, clocks) else v for k, v in named.items()}
        yield _set(function, "__kwdefaults__", replaced)
    placed = function.__defaults__ or ()
    if any(_is_clock(value, clocks) for value in placed):
        told = tuple(clocks[v] if _is_clock(v, clocks) else v for v in placed)
        yield _set(function, "__defaults__", told)


def _is_clock(value: Any, clocks: dict[Callable[[], float], Callable[[], float]]) -> bool:
    return isinstance(value, types.BuiltinFunctionType) and value in clocks


def _set(holder: Any, name: str, value: Any) -> Callable[[], None]:
    old = getattr(holder, name)
    setattr(holder, name, value)
    return lambda: setattr(holder, name, old)
