"""Decides what to tell administrators of failures, and when: pure bookkeeping, the clock is given.

An incident is a kind of failure: a system and an error class. Its first failure is told at once;
further ones are counted and told in digests. Its end is told once the system works again and has
been calm for a while, so that a flapping system does not send a message each time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway import frozen
from gateway.errors import ErrorClass

__all__ = ["Incidents", "News"]

DIGEST_AFTER = 300.0
CALM = 30.0
FORGET_AFTER = 3600.0


@frozen
class News:
    """What there is to tell. Times are the clock's, durations are seconds.

    `more` failures in `more_in`, `total` in all. Of an end: `lasted`, from the first failure to the
    first success, and how much had `waited` for it.
    """

    what: Literal["begins", "goes on", "ends"]
    system: str
    error_class: ErrorClass
    began: float
    detail: str = ""
    more: int = 0
    more_in: float = 0.0
    total: int = 1
    lasted: float = 0.0
    waited: int = 0


@dataclass(slots=True)
class _Incident:
    system: str
    error_class: ErrorClass
    began: float
    last: float
    reported_at: float
    unreported: int = 0
    total: int = 1
    worked_at: float | None = None  # the first success after the last failure
    waited: int = 0

    def is_over(self, now: float, calm: float) -> bool:
        return self.worked_at is not None and now - self.last >= calm


class Incidents:
    """`failed` and `tick` return what is to be told now."""

    def __init__(self, *, digest_after: float = DIGEST_AFTER, calm: float = CALM) -> None:
        self._open: dict[tuple[str, ErrorClass], _Incident] = {}
        self._digest_after = digest_after
        self._calm = calm

    def failed(self, system: str, error_class: ErrorClass, detail: str, now: float) -> list[News]:
        incident = self._open.get((system, error_class))
        if incident is None:
            self._open[system, error_class] = _Incident(system, error_class, now, now, now)
            return [News("begins", system, error_class, now, detail)]
        incident.last = now
        incident.unreported += 1
        incident.total += 1
        incident.worked_at = None
        return []

    def worked(self, system: str, now: float) -> None:
        for incident in self._open.values():
            if incident.system == system and incident.worked_at is None:
                incident.worked_at = now

    def wait(self, waiting: Mapping[str, int]) -> None:
        """How much waits for each system that has not worked since it failed."""
        for incident in self._open.values():
            if incident.worked_at is None:
                incident.waited = waiting.get(incident.system, 0)

    @property
    def is_any(self) -> bool:
        return bool(self._open)

    def tick(self, now: float) -> list[News]:
        """Digests and recoveries that are due."""
        news = self._digests(now) + self._recoveries(now)
        for key, incident in list(self._open.items()):
            over = incident.is_over(now, self._calm) and incident.error_class.needs_a_person
            old = now - incident.last >= FORGET_AFTER
            if (over or old) and not incident.unreported:
                del self._open[key]
        return news

    def _digests(self, now: float) -> list[News]:
        """Those that need a person have no message of their end: the digests say what is left."""
        due = []
        for each in self._open.values():
            over = each.is_over(now, self._calm)
            late = now - each.reported_at >= self._digest_after
            if each.unreported and (each.error_class.needs_a_person if over else late):
                due.append(_digest(each, now))
        return due

    def _recoveries(self, now: float) -> list[News]:
        """One for a system, however many kinds of failure it had."""
        outages: dict[str, list[_Incident]] = {}
        for incident in self._open.values():
            if not incident.error_class.needs_a_person:
                outages.setdefault(incident.system, []).append(incident)
        ended = [all_ for all_ in outages.values() if all(i.is_over(now, self._calm) for i in all_)]
        for incident in (each for all_ in ended for each in all_):
            del self._open[incident.system, incident.error_class]
        return [_recovery(all_) for all_ in ended]


def _digest(incident: _Incident, now: float) -> News:
    news = News(
        "goes on",
        incident.system,
        incident.error_class,
        incident.began,
        more=incident.unreported,
        more_in=now - incident.reported_at,
        total=incident.total,
    )
    incident.reported_at, incident.unreported = now, 0
    return news


def _recovery(incidents: Iterable[_Incident]) -> News:
    first, *_ = every = sorted(incidents, key=lambda each: each.began)
    return News(
        "ends",
        first.system,
        first.error_class,
        first.began,
        total=sum(each.total for each in every),
        lasted=max(each.worked_at or each.last for each in every) - first.began,
        waited=max(each.waited for each in every),
    )
