"""Prometheus metrics, names beginning `gateway_`; labels come from closed sets only."""

from collections.abc import Iterable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.delivery import SettledAttempt
from gateway.outcomes import OPEN
from gateway.wire import Call

__all__ = ["Metrics"]

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)

_TABLE: tuple[tuple[str, type[Counter | Gauge | Histogram], str, str, tuple[str, ...]], ...] = (
    (
        "requests",
        Counter,
        "gateway_http_requests",
        "Requests answered, by route and status",
        ("route", "method", "status"),
    ),
    (
        "connections_open",
        Gauge,
        "gateway_connections_open",
        "Connections of callers",
        (),
    ),
    (
        "_connections_ended",
        Counter,
        "gateway_connections_ended",
        "Connections that ended otherwise than by an answer, by reason",
        ("reason",),
    ),
    (
        "registration_seconds",
        Histogram,
        "gateway_registration_seconds",
        "From a registration's last byte to its answer",
        (),
    ),
    (
        "_attempts",
        Counter,
        "gateway_attempts",
        "Attempts at deliveries, by how they ended",
        ("channel", "outcome", "error_class"),
    ),
    (
        "_attempt_seconds",
        Histogram,
        "gateway_attempt_seconds",
        "Duration of an attempt",
        ("channel",),
    ),
    (
        "_calls",
        Counter,
        "gateway_upstream_requests",
        "Requests to upstream systems; result is an HTTP status or an error class",
        ("system", "operation", "result"),
    ),
    (
        "_call_seconds",
        Histogram,
        "gateway_upstream_request_seconds",
        "Duration of a request to an upstream system",
        ("system",),
    ),
    (
        "points_reads",
        Counter,
        "gateway_points_reads",
        "Points asked for: read from Smaregi, shared with another reader, cached, or an error",
        ("result",),
    ),
    (
        "_deliveries",
        Gauge,
        "gateway_deliveries",
        "Open deliveries in the outbox",
        ("channel", "outcome"),
    ),
    (
        "_intents",
        Gauge,
        "gateway_intents_open",
        "Registrations whose data waits, encrypted, for Shopify's word",
        (),
    ),
    (
        "_intents_age",
        Gauge,
        "gateway_intents_oldest_seconds",
        "Age of the oldest of them, 0 if there is none",
        (),
    ),
    (
        "_events",
        Counter,
        "gateway_events",
        "Webhooks: as received, and how their work ended",
        ("source", "topic", "result"),
    ),
    (
        "_events_waiting",
        Gauge,
        "gateway_events_waiting",
        "Webhooks whose work is owed",
        (),
    ),
    (
        "_events_age",
        Gauge,
        "gateway_events_oldest_seconds",
        "Age of the oldest of them, 0 if there is none",
        (),
    ),
    (
        "_till",
        Counter,
        "gateway_till_fields",
        "Fields changed at the till: taken to Shopify, lost to its change, or refused by it",
        ("result",),
    ),
    (
        "_reconciled",
        Counter,
        "gateway_reconciliation_found",
        "What passes over both systems looked at, and what webhooks had not brought",
        ("what",),
    ),
    (
        "_reconciled_at",
        Gauge,
        "gateway_reconciliation_last_seconds",
        "When the last whole pass ended, Unix seconds; 0 before the first",
        (),
    ),
    (
        "registrations_waiting",
        Gauge,
        "gateway_registrations_waiting",
        "Registrations answered 202 that Shopify does not have yet",
        (),
    ),
    (
        "_paused",
        Gauge,
        "gateway_channel_paused",
        "1 while the channel's circuit is open or its credentials are refused",
        ("channel",),
    ),
    (
        "_flag",
        Gauge,
        "gateway_flag",
        "1 for the mode a flag is in",
        ("flag", "mode"),
    ),
    (
        "_duplicates",
        Gauge,
        "gateway_duplicates_open",
        "Possible duplicates that a person has to look at",
        (),
    ),
    (
        "_removals",
        Gauge,
        "gateway_removals_held",
        "Customers who seem gone, too many at once: a person has to confirm or drop them",
        (),
    ),
    (
        "_strangers",
        Gauge,
        "gateway_identity_differs",
        "1 where a system is another one than before, until `shop accept`",
        ("system",),
    ),
)
"""The attribute, its kind, its name outside, what it says, and its labels."""


class Metrics:
    """Incrementing is the library's own call: each metric is an attribute."""

    requests: Counter
    connections_open: Gauge
    _connections_ended: Counter
    registration_seconds: Histogram
    _attempts: Counter
    _attempt_seconds: Histogram
    _calls: Counter
    _call_seconds: Histogram
    points_reads: Counter
    _deliveries: Gauge
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
    _duplicates: Gauge
    _removals: Gauge
    _strangers: Gauge

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._children: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        for attribute, kind, name, text, labels in _TABLE:
            make = partial(Histogram, buckets=_SECONDS) if kind is Histogram else kind
            setattr(self, attribute, make(name, text, labels, registry=self.registry))

    def set_removals(self, held: int) -> None:
        self._removals.set(held)

    def set_identity(self, system: str, *, differs: bool) -> None:
        self._strangers.labels(system).set(int(differs))

    def connection_ended(self, reason: str) -> None:
        """dropped, refused, replaced, slow_head, large_head or unread."""
        self._connections_ended.labels(reason).inc()

    def attempt_ended(self, ended: SettledAttempt) -> None:
        result = ended.result
        self._attempts.labels(
            ended.delivery.channel, result.outcome.value, result.error_class or ""
        ).inc()
        self._attempt_seconds.labels(ended.delivery.channel).observe(result.duration)

    def called(self, call: Call, result: str, seconds: float) -> None:
        key = (call.system, call.operation, result)
        if key not in self._children:  # labels() validates anew at each call
            counter = self._calls.labels(*key)
            self._children[key] = counter, self._call_seconds.labels(call.system)
        counter, histogram = self._children[key]
        counter.inc()
        histogram.observe(seconds)

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

    def set_duplicates(self, number: int) -> None:
        self._duplicates.set(number)

    def set_paused(self, channel: str, *, paused: bool) -> None:
        self._paused.labels(channel).set(int(paused))

    def set_flags(self, modes: Iterable[tuple[str, str]]) -> None:
        self._flag.clear()
        for flag, mode in modes:
            self._flag.labels(flag, mode).set(1)

    def text(self) -> bytes:
        return generate_latest(self.registry)
