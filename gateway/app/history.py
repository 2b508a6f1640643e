"""The last day and the last fortnight: sign-ups, failed attempts, and how long attempts took."""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import partial

from gateway import frozen
from gateway.store import Engine, history

__all__ = ["History", "Span"]

_HOURS, _DAYS = 24, 14
_BEYOND = "g"
"""Behind every id, which is in hexadecimal digits."""
_FRESH = 15.0
"""Seconds for which what was read is shown again."""


@frozen
class Span:
    """An hour or a day that began at `at` (Unix seconds). `seconds`: of an attempt, on average."""

    at: float
    signups: int = 0
    attempts: int = 0
    failed: int = 0
    seconds: float = 0.0


class History:
    """`clock` is wall time. What is read is bounded in each step, so nobody waits for it long."""

    def __init__(self, db: Engine, clock: Callable[[], float] = time.time) -> None:
        self._db = db
        self._clock = clock
        self._known: tuple[float, list[Span], list[Span]] | None = None
        self._reading = asyncio.Lock()

    async def read(self) -> tuple[list[Span], list[Span]]:
        """The hours of the last day and the days of the last fortnight, the oldest first."""
        async with self._reading:
            now = self._clock()
            if self._known is None or not 0 <= now - self._known[0] < _FRESH:
                hours = await self._hours(now)
                self._known = (now, _of_day(hours, now), _of_fortnight(hours, now))
            return self._known[1], self._known[2]

    async def _hours(self, now: float) -> dict[int, Span]:
        signups: dict[int, int] = {}
        for day in range(_DAYS + 1):
            first = _id(now - (day + 1) * 86400)
            last = _id(now - day * 86400) if day else _BEYOND
            found = await self._db.read(partial(history.registrations, first=first, last=last))
            signups |= {hour: signups.get(hour, 0) + count for hour, count in found.items()}
        return _joined(signups, await self._attempts(now - (_DAYS + 1) * 86400))

    async def _attempts(self, since: float) -> list[history.Attempted]:
        look = partial(history.attempts_page, since=since)
        found, before = await self._db.read(partial(look, before=None))
        while before is not None:
            page, before = await self._db.read(partial(look, before=before))
            found += page
        return found


def _id(at: float) -> str:
    """Ids of registrations begin with their time in milliseconds."""
    return f"{max(0, int(at * 1000)):012x}"


def _joined(signups: dict[int, int], attempts: Iterable[history.Attempted]) -> dict[int, Span]:
    hours = {hour: Span(hour * 3600.0, signups=count) for hour, count in signups.items()}
    for each in attempts:
        one = Span(each.hour * 3600.0, 0, each.count, each.failed, each.seconds / each.count)
        known = hours.get(each.hour)
        hours[each.hour] = _sum([known, one]) if known else one
    return hours


def _of_day(hours: dict[int, Span], now: float) -> list[Span]:
    last = int(now // 3600)
    return [hours.get(h, Span(h * 3600.0)) for h in range(last - _HOURS + 1, last + 1)]


def _of_fortnight(hours: dict[int, Span], now: float) -> list[Span]:
    """By the days of this machine's zone."""
    days: dict[date, list[Span]] = {}
    for back in range(_DAYS - 1, -1, -1):
        days[_day(now - back * 86400)] = []
    for span in hours.values():
        if (day := _day(span.at)) in days:
            days[day].append(span)
    return [_sum(spans, _midday(day)) for day, spans in days.items()]


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).astimezone().date()


def _midday(day: date) -> float:
    """Inside that day, wherever its clock is moved."""
    return datetime(day.year, day.month, day.day, 12).astimezone().timestamp()


def _sum(spans: Iterable[Span], at: float | None = None) -> Span:
    every = list(spans)
    attempts = sum(span.attempts for span in every)
    seconds = sum(span.seconds * span.attempts for span in every)
    return Span(
        every[0].at if at is None else at,
        sum(span.signups for span in every),
        attempts,
        sum(span.failed for span in every),
        seconds / attempts if attempts else 0.0,
    )
