"""What happens to deliveries and to Shopify is told to metrics, log and administrators, here."""

import logging
from collections.abc import Callable

from gateway.alerts import AlertSender
from gateway.delivery import SettledAttempt
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Outcome, Waiting
from gateway.telemetry.metrics import Metrics

__all__ = ["DeliveryObserver"]

log = logging.getLogger(__name__)


class DeliveryObserver:
    """`due(channel)` is called when a delivery is left that the worker has to look at."""

    def __init__(self, metrics: Metrics, alerts: AlertSender, due: Callable[[str], None]) -> None:
        self._metrics = metrics
        self._alerts = alerts
        self._due = due

    def attempt_ended(self, ended: SettledAttempt) -> None:
        self._metrics.attempt_ended(ended)
        channel, result = ended.delivery.channel, ended.result
        if result.outcome is Outcome.DELIVERED:
            self._alerts.worked(channel)
        elif result.outcome is not Outcome.DRY_RUN and result.error_class is not None:
            self._delivery_failed(ended, result.error_class)
        if ended.delivery.outcome in {Outcome.PENDING, Outcome.RETRYING}:
            self._due(channel)

    def _delivery_failed(self, ended: SettledAttempt, error_class: ErrorClass) -> None:
        channel, text = ended.delivery.channel, ended.result.message or ""
        log.warning("delivery %d to %s: %s: %s", ended.delivery.id, channel, error_class, text)
        if error_class.needs_a_person and ended.result.outcome is Outcome.RETRYING:
            return  # it passes by itself
        if ended.result.waiting is not Waiting.CHANNEL or ended.error is not None:
            self._alerts.failed_with(channel, error_class, text)

    def shopify_result(self, error: UpstreamError | None) -> None:
        if error is None:
            self._alerts.worked("shopify")
        else:
            self._alerts.failed("shopify", error)

    def deferred_given_up(self, error_class: ErrorClass, text: str) -> None:
        """A registration that was answered 202 came to nothing."""
        self._alerts.failed_with("registrations", error_class, text)
