"""Decides what to tell administrators, and when: pure bookkeeping, the clock is given.

An incident is a kind of failure: a system and an error class. Its first failure is told at once;
further ones are counted and told in digests. Its end is told once the system works again and has
been calm for a while, so that a flapping system does not send a message each time.
"""

from dataclasses import dataclass

from gateway.errors import ErrorClass

__all__ = ["Incidents"]

DIGEST_AFTER = 300.0
CALM = 30.0
FORGET_AFTER = 3600.0

_HINTS = {
    ErrorClass.AUTH: "Its credentials are refused, see `python main.py check`; deliveries wait.",
    ErrorClass.INVALID_DATA: "It refuses some data: see `deliveries list --outcome failed`.",
    ErrorClass.CONFLICT: "A person must decide: see `deliveries list --outcome failed`.",
    ErrorClass.TOO_LATE: "Too old to be sent by itself: `replay --error-class too_late` sends it.",
    ErrorClass.RATE_LIMIT: "It limits our requests: they are slowed down and sent again.",
}
_PASSING = "Deliveries are kept and sent again by themselves."
_EVENTS = "A change made elsewhere is not taken over; it is tried again at the next start."
_PASSES_ON = "What webhooks did not bring is found later; it goes on by itself in some minutes."
_GIVEN_UP = "Its data is wiped: the customer has to sign up again."
_MASTER = "Sign-ups are answered 503 (202 with respond-async) until it works again."


def _what_follows(system: str, error_class: ErrorClass) -> str:
    if system == "shopify":
        return _MASTER
    if system == "webhooks":
        return _EVENTS
    if system == "reconciliation":
        return _PASSES_ON
    if system == "registrations":
        return _GIVEN_UP
    return _HINTS.get(error_class, _PASSING)


@dataclass(slots=True)
class _Incident:
    system: str
    error_class: ErrorClass
    began: float
    last: float
    reported_at: float
    unreported: int = 0
    total: int = 1
    worked_since: bool = False


class Incidents:
    """Each method returns the texts to send now; they hold systems, classes and counts only."""

    def __init__(self, *, digest_after: float = DIGEST_AFTER, calm: float = CALM) -> None:
        self._open: dict[tuple[str, ErrorClass], _Incident] = {}
        self._digest_after = digest_after
        self._calm = calm

    def failed(self, system: str, error_class: ErrorClass, detail: str, now: float) -> list[str]:
        incident = self._open.get((system, error_class))
        if incident is None:
            self._open[system, error_class] = _Incident(system, error_class, now, now, now)
            follows = _what_follows(system, error_class)
            return [f"⚠️ {system}: {error_class} ({detail}). {follows}"]
        incident.last = now
        incident.unreported += 1
        incident.total += 1
        incident.worked_since = False
        return []

    def worked(self, system: str) -> None:
        for incident in self._open.values():
            if incident.system == system:
                incident.worked_since = True

    def tick(self, now: float) -> list[str]:
        """Digests and recoveries that are due."""
        texts = []
        for key, incident in list(self._open.items()):
            if incident.unreported and now - incident.reported_at >= self._digest_after:
                texts.append(self._digest(incident, now))
            elif incident.worked_since and now - incident.last >= self._calm:
                texts += self._recovered(incident, now)
                del self._open[key]
            elif now - incident.last >= FORGET_AFTER and not incident.unreported:
                del self._open[key]
        return texts

    def _digest(self, incident: _Incident, now: float) -> str:
        text = (
            f"⚠️ {incident.system}: {incident.error_class}, {incident.unreported} more in "
            f"{_minutes(now - incident.reported_at)}, {incident.total} in all."
        )
        incident.reported_at, incident.unreported = now, 0
        return text

    def _recovered(self, incident: _Incident, now: float) -> list[str]:
        """If a person is needed, the system was never down: there is no recovery to tell."""
        if incident.error_class.needs_a_person:
            return [self._digest(incident, now)] if incident.unreported else []
        lasted = _minutes(incident.last - incident.began)
        return [
            (
                f"✅ {incident.system}: works again after {incident.error_class} "
                f"({incident.total} in {lasted})."
            )
        ]


def _minutes(seconds: float) -> str:
    return f"{round(seconds)} s" if seconds < 120 else f"{round(seconds / 60)} min"
