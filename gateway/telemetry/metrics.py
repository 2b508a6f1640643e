"""Prometheus metrics, names beginning `gateway_`; labels come from closed sets only."""

import math
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from gateway.delivery import SettledAttempt
from gateway.outcomes import OPEN
from gateway.telemetry.families import FAMILIES
from gateway.telemetry.tallies import Counts, Times
from gateway.wire import Call

__all__ = ["Metrics"]


class Metrics:
    """Each metric is an attribute, made of the library's own, or of `tallies`."""

    _requests: Counts
    connections_open: Gauge
    _connections_ended: Counter
    _registration_seconds: Times
    _attempts: Counts
    _attempt_seconds: Times
    _calls: Counts
    _call_seconds: Times
    points_reads: Counter
    points_moved: Counter
    _points_movements: Gauge
    _points_orders: Gauge
    _points_reservations: Gauge
    _points_lacking: Gauge
    _points_drift: Gauge
    _deliveries: Gauge
    _overdue: Gauge
    _intents: Gauge
    _intents_age: Gauge
    _events: Counter
    _events_waiting: Gauge
    _events_age: Gauge
    _till: Counter
    _reconciled: Counter
    _reconciled_at: Gauge
    registrations_waiting: Gauge
    _paused: Gauge
    _flag: Gauge
    _members_at: Gauge
    _database: Gauge
    _disk_free: Gauge
    _rewound_at: Gauge
    _duplicates: Gauge
    _removals: Gauge
    config_differs: Gauge
    _strangers: Gauge

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for attribute, kind, name, text, labels in FAMILIES:
            setattr(self, attribute, kind(name, text, labels, registry=self.registry))

    def set_removals(self, held: int) -> None:
        self._removals.set(held)

    def set_identity(self, system: str, *, differs: bool) -> None:
        self._strangers.labels(system).set(int(differs))

    def connection_ended(self, reason: str) -> None:
        """dropped, refused, replaced, slow_head, large_head or unread."""
        self._connections_ended.labels(reason).inc()

    def answered(self, route: str, method: str, status: int) -> None:
        self._requests.add(route, method, str(status))

    def registered(self, seconds: float) -> None:
        self._registration_seconds.add(seconds)

    def attempt_ended(self, ended: SettledAttempt) -> None:
        channel, result = ended.delivery.channel, ended.result
        self._attempts.add(channel, result.outcome, result.error_class or "")
        self._attempt_seconds.add(result.duration, channel)

    def called(self, call: Call, result: str, seconds: float) -> None:
        self._calls.add(call.system, call.operation, result)
        self._call_seconds.add(seconds, call.system)

    def event(self, source: str, topic: str, result: str) -> None:
        """`topic` is one that is known, or '' where it is not proven."""
        self._events.labels(source, topic, result).inc()

    def set_events(self, waiting: int, age: float) -> None:
        self._events_waiting.set(waiting)
        self._events_age.set(age)

    def till(self, result: str, fields: int) -> None:
        self._till.labels(result).inc(fields)

    def reconciled(self, counts: Mapping[str, int], at: float) -> None:
        for what, count in counts.items():
            self._reconciled.labels(what).inc(count)
        self._reconciled_at.set(at)

    def set_outbox(
        self,
        channels: Iterable[str],
        counts: Iterable[tuple[str, str, int]],
        intents: tuple[int, float],
    ) -> None:
        for channel in channels:
            for each in OPEN:
                self._deliveries.labels(channel, each).set(0)
        for channel, outcome, number in counts:
            self._deliveries.labels(channel, outcome).set(number)
        self._intents.set(intents[0])
        self._intents_age.set(intents[1])

    def set_overdue(self, channel: str, seconds: float) -> None:
        self._overdue.labels(channel).set(seconds)

    def set_members(self, refreshed_at: float) -> None:
        self._members_at.set(refreshed_at)

    def set_space(self, used: int, free: int | None) -> None:
        """`free`: no number where it cannot be seen, so that no alert takes it for none."""
        self._database.set(used)
        self._disk_free.set(math.nan if free is None else free)

    def set_rewound(self, at: float | None) -> None:
        self._rewound_at.set(at or 0.0)

    def set_duplicates(self, number: int) -> None:
        self._duplicates.set(number)

    def set_points(
        self,
        movements: Mapping[str, int],
        orders: Mapping[str, int],
        reservations: Mapping[str, int],
        lacking: int,
        drift: int,
    ) -> None:
        for state in ("owed", "sent", "stuck"):
            self._points_movements.labels(state).set(movements.get(state, 0))
        for state in ("waiting", "held", "failed"):
            self._points_orders.labels(state).set(orders.get(state, 0))
        for state in ("pending", "active", "closing"):
            self._points_reservations.labels(state).set(reservations.get(state, 0))
        self._points_lacking.set(lacking)
        self._points_drift.set(drift)

    def set_paused(self, channel: str, *, paused: bool) -> None:
        self._paused.labels(channel).set(int(paused))

    def set_flags(self, modes: Iterable[tuple[str, str]]) -> None:
        self._flag.clear()
        for flag, mode in modes:
            self._flag.labels(flag, mode).set(1)

    def text(self) -> bytes:
        return generate_latest(self.registry)
