"""What happens to deliveries and to Shopify is told to metrics, log and administrators, here."""

import logging
from collections.abc import Callable

from gateway.alerts import AlertSender
from gateway.delivery import Ended
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Outcome, Waiting
from gateway.telemetry.metrics import Metrics

__all__ = ["Telling"]

log = logging.getLogger(__name__)


class Telling:
    """`due(channel)` is called when a delivery is left that the worker has to look at."""

    def __init__(self, metrics: Metrics, alerts: AlertSender, due: Callable[[str], None]) -> None:
        self._metrics = metrics
        self._alerts = alerts
        self._due = due

    def attempt_ended(self, ended: Ended) -> None:
        self._metrics.attempt_ended(ended)
        channel, settlement = ended.delivery.channel, ended.settlement
        if settlement.outcome is Outcome.DELIVERED:
            self._alerts.worked(channel)
        elif settlement.outcome is not Outcome.DRY_RUN and settlement.error_class is not None:
            self._delivery_failed(ended, settlement.error_class)
        if ended.delivery.outcome in {Outcome.PENDING, Outcome.RETRYING}:
            self._due(channel)

    def _delivery_failed(self, ended: Ended, error_class: ErrorClass) -> None:
        channel, text = ended.delivery.channel, ended.settlement.message or ""
        log.warning("delivery %d to %s: %s: %s", ended.delivery.id, channel, error_class, text)
        if error_class.needs_a_person and ended.settlement.outcome is Outcome.RETRYING:
            return  # it passes by itself
        if ended.settlement.waiting is not Waiting.CHANNEL or ended.error is not None:
            self._alerts.failed_with(channel, error_class, text)

    def shopify_result(self, error: UpstreamError | None) -> None:
        if error is None:
            self._alerts.worked("shopify")
        else:
            self._alerts.failed("shopify", error)

    def promise_broken(self, error_class: ErrorClass, text: str) -> None:
        """A registration that was answered 202 came to nothing."""
        self._alerts.failed_with("registrations", error_class, text)
