"""Telling administrators: the first failure of a kind at once, then digests, then the recovery."""

from gateway.alerts.alert import Alert
from gateway.alerts.incidents import Incidents
from gateway.alerts.sender import AlertSender
from gateway.alerts.wording import AlertFacts

__all__ = ["Alert", "AlertFacts", "AlertSender", "Incidents"]
