"""Whether the gateways on one database are set alike: each reads its own settings."""

import logging
from typing import TYPE_CHECKING

from gateway.alerts import AlertSender, notices
from gateway.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from gateway.store.postgres import Beat

__all__ = ["Agreement"]

log = logging.getLogger("gateway")


class Agreement:
    """Told by the active one, once each time that others come to differ."""

    def __init__(self, metrics: Metrics, alerts: AlertSender) -> None:
        self._metrics = metrics
        self._alerts = alerts
        self._unlike: tuple[str, ...] = ()

    def heard(self, beat: "Beat") -> None:
        self._metrics.config_differs.set(len(beat.unlike))
        if beat.unlike and beat.unlike != self._unlike:
            hosts = ", ".join(beat.unlike)
            log.warning(
                "the settings or flags of the gateway on %s differ from those of this one, which "
                "is active: make them alike",
                hosts,
            )
            self._alerts.notice(notices.set_otherwise(hosts))
        self._unlike = beat.unlike
