"""Steps that two engines must do alike: a function of the store, and what it is given."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.store import members
from gateway.store.engine import Engine
from gateway.store.postgres import Postgres

__all__ = ["Step", "async_step", "found_at_a_start", "note", "noted", "read", "write"]


@dataclass(frozen=True, slots=True)
class Step:
    """`way`: by `write`, by `read`, or `engine` where the function is given the engine's own."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    way: str = "write"

    async def done_by(self, engine: Engine) -> Any:
        """What it gives, or the kind of error that it raises."""
        try:
            return await asyncio.wait_for(self._done_by(engine), 30)
        except (ValueError, TypeError, LookupError) as error:
            return type(error)

    async def _done_by(self, engine: Engine) -> Any:
        if self.way == "engine":
            return await self.function(engine, *self.arguments, **self.named)
        if self.way == "run":
            return await self.function(engine.write, *self.arguments, **self.named)
        unit = partial(_called, self.function, self.arguments, self.named)
        return await (engine.read(unit) if self.way == "read" else engine.write(unit))


def _called(
    function: Callable[..., Any], arguments: tuple[Any, ...], named: Mapping[str, Any], db: Any
) -> Any:
    return function(db, *arguments, **named)


def write(function: Callable[..., Any], *arguments: Any, **named: Any) -> Step:
    return Step(function, arguments, named)


def read(function: Callable[..., Any], *arguments: Any, **named: Any) -> Step:
    return Step(function, arguments, named, "read")


def async_step(way: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Step:
    """`way`: `engine` for a function of the engine, `run` for one of its `write`."""
    return Step(function, arguments, named, way)


def note(key: str, value: str = "x") -> Any:
    return lambda db: members.set_meta(db, key, value)


def noted(key: str) -> Any:
    return lambda db: members.get_meta(db, key)


async def found_at_a_start(url: str) -> str | None:
    """Why a gateway that starts there takes it for put back; None: it does not."""
    engine = Postgres(url, lanes=1)
    await engine.open()
    try:
        return await engine.put_back()
    finally:
        await engine.close()
