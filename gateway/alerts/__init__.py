"""Telling administrators: the first failure of a kind at once, then digests, then the recovery."""

from gateway.alerts.incidents import Incidents
from gateway.alerts.sender import AlertSender

__all__ = ["AlertSender", "Incidents"]
