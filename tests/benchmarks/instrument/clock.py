"""The clock, and functions wrapped so that they switch it."""

import functools
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any

__all__ = ["BASE", "Clock", "wrapped"]

BASE = "event loop: sockets, timers, wake-ups"
"""Of the event loop's thread, what is in no other part."""


class Clock:
    """Of the thread that made it. `spent`: nanoseconds by part; `entered`: how often."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.current = BASE
        self._since = time.thread_time_ns()
        self.spent: dict[str, int] = {}
        self.entered: dict[str, int] = {}

    def switch(self, part: str) -> str:
        """Starts this part's time; the part before, to be switched back to."""
        now, before = time.thread_time_ns(), self.current
        self.spent[before] = self.spent.get(before, 0) + now - self._since
        self._since, self.current = now, part
        return before

    def enter(self, part: str) -> str:
        self.entered[part] = self.entered.get(part, 0) + 1
        return self.switch(part)

    def reset(self) -> None:
        self.switch(self.current)
        self.spent.clear()
        self.entered.clear()


class _Steps(Awaitable[Any]):
    """A coroutine each of whose steps is this part's time."""

    __slots__ = ("_clock", "_part", "_steps")

    def __init__(self, clock: Clock, part: str, steps: Any) -> None:
        self._clock, self._part, self._steps = clock, part, steps

    def __await__(self) -> Generator[Any, Any, Any]:
        return self  # has all that a generator is asked for here

    def __iter__(self) -> "_Steps":
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        before = self._clock.switch(self._part)
        try:
            return self._steps.send(value)
        finally:
            self._clock.switch(before)

    def throw(self, *error: Any) -> Any:
        before = self._clock.switch(self._part)
        try:
            return self._steps.throw(*error)
        finally:
            self._clock.switch(before)

    def close(self) -> None:
        self._steps.close()


def wrapped(clock: Clock, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, or coroutine function; in other threads it is as it was."""
    if inspect.iscoroutinefunction(function):
        return _coroutine(clock, part, function)

    @functools.wraps(function)
    def switching(*args: Any, **named: Any) -> Any:
        if clock.current is part or threading.get_ident() != clock.thread:
            return function(*args, **named)
        before = clock.enter(part)
        try:
            return function(*args, **named)
        finally:
            clock.switch(before)

    return switching


def _coroutine(
    clock: Clock, part: str, function: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(function)
    async def switching(*args: Any, **named: Any) -> Any:
        if clock.current is part:  # whoever awaits this is of the same part, at every step
            return await function(*args, **named)
        clock.entered[part] = clock.entered.get(part, 0) + 1
        return await _Steps(clock, part, function(*args, **named))

    return switching
