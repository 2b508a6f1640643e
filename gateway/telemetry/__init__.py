"""Metrics, logs, and what is told of deliveries and of Shopify."""

from gateway.telemetry.logs import log_to_stderr
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observer import Observer

__all__ = ["Metrics", "Observer", "log_to_stderr"]
