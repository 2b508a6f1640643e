"""Passes on what happens to the metrics, the log, the administrators, and whatever waits for it."""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import assert_never

from gateway.alerts import Alert, AlertSender
from gateway.delivery import CircuitBreaker, SettledAttempt, Wakes
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import AUTOMATIC, Outcome, Waiting
from gateway.telemetry.logs import in_one_write, tell
from gateway.telemetry.metrics import Metrics

__all__ = ["Observer"]

log = logging.getLogger("gateway.delivery")


class Observer:
    """`shopify` is the circuit of deferred registrations."""

    def __init__(
        self, metrics: Metrics, alerts: AlertSender, wakes: Wakes, shopify: CircuitBreaker
    ) -> None:
        self._metrics = metrics
        self._alerts = alerts
        self._wakes = wakes
        self._shopify = shopify

    def together(self) -> AbstractContextManager[object]:
        return in_one_write()

    def attempt_ended(self, ended: SettledAttempt) -> None:
        self._metrics.attempt_ended(ended)
        channel, result = ended.delivery.channel, ended.result
        _log(ended)
        match result.outcome:
            case Outcome.DELIVERED:
                self._alerts.worked(channel)
            case Outcome.RETRYING | Outcome.FAILED:
                self._delivery_failed(ended)
            case Outcome.PENDING | Outcome.HELD | Outcome.SKIPPED | Outcome.DISCARDED:
                pass
            case Outcome.DRY_RUN:  # what failed was a dry run
                pass
            case _:
                assert_never(result.outcome)
        if ended.delivery.outcome in AUTOMATIC:
            self._wakes.worker(channel)

    def _delivery_failed(self, ended: SettledAttempt) -> None:
        """A delivery that only waits for the index has no error, and nobody is told."""
        error_class = ended.result.error_class
        if error_class is None:
            return
        channel, text = ended.delivery.channel, ended.result.message or ""
        if error_class.needs_a_person and ended.result.outcome is Outcome.RETRYING:
            return  # it passes by itself
        if not _only_waits(ended):
            self._alerts.failed_with(channel, error_class, text)

    def delivery_due(self, channel: str | None = None) -> None:
        self._wakes.worker(channel)

    def shopify_answered(self, error: UpstreamError | None, *, live: bool = True) -> None:
        """After a live success nobody has to wait for the next probe."""
        if error is not None:
            self._alerts.failed("shopify", error)
            return
        self._alerts.worked("shopify")
        if live and self._shopify.cause is not None:
            self._shopify.half_open()
            self._wakes.deferred.set()

    def intent_gone(self) -> None:
        self._wakes.journal.set()

    def registration_unclear(self) -> None:
        self._wakes.unclear.set()

    def registration_deferred(self) -> None:
        self._wakes.deferred.set()

    def failed(self, area: str, error_class: ErrorClass, text: str) -> None:
        self._alerts.failed_with(area, error_class, text)

    def worked(self, area: str) -> None:
        self._alerts.worked(area)

    def notice(self, alert: Alert) -> None:
        self._alerts.notice(alert)

    def pos_changed(self, result: str, fields: int) -> None:
        self._metrics.till(result, fields)

    def points_read(self, result: str) -> None:
        self._metrics.points_reads.labels(result).inc()

    def points_moved(self, points: int) -> None:
        self._metrics.points_moved.labels("given" if points > 0 else "taken").inc(abs(points))

    def reconciled(self, found: Mapping[str, int], at: float) -> None:
        self._metrics.reconciled(found, at)

    def event_ended(self, source: str, topic: str, result: str) -> None:
        self._metrics.event(source, topic, result)


def _log(ended: SettledAttempt) -> None:
    """One line an attempt; a warning where it failed."""
    delivery, result = ended.delivery, ended.result
    took = round(result.duration * 1000)
    about: dict[str, object] = {
        "request_id": delivery.request_id,
        "registration_id": delivery.registration_id,
        "delivery_id": delivery.id,
        "customer_id": delivery.customer_id,
        "channel": delivery.channel,
        "kind": delivery.kind,
        "outcome": result.outcome,
        "error_class": result.error_class,
        "attempt": delivery.attempts,
        "duration_ms": took,
    }
    if result.waiting is not None and _only_waits(ended):
        waits = delivery.id, delivery.channel, result.message
        tell(log, logging.INFO, "delivery %d to %s: %s", waits, about)
        return
    kind, text = result.error_class, result.message
    why = (f": {kind}" if kind else "") + (f": {text}" if text else "")
    given = delivery.id, delivery.channel, result.outcome, delivery.attempts, took, why
    level = logging.INFO if kind is None else logging.WARNING
    tell(log, level, "delivery %d to %s: %s, try %d, %d ms%s", given, about)


def _only_waits(ended: SettledAttempt) -> bool:
    """The channel is paused: it was not even tried."""
    return ended.result.waiting is Waiting.CHANNEL and ended.result.error is None
