"""All that is the same for every channel: attempt, outcome, retry, circuit, replay, worker."""

from gateway.delivery.circuit import CircuitBreaker, CircuitState
from gateway.delivery.deliverer import Deliverer
from gateway.delivery.ended import SettledAttempt
from gateway.delivery.parts import DeliveryParts, make_delivery
from gateway.delivery.replay import Replay, ReplayOptions
from gateway.delivery.retry import judge
from gateway.delivery.route import Route
from gateway.delivery.runtime import Listener, Live, Policy, Runtime, Wakes
from gateway.delivery.spans import NO_SPANS, Spans
from gateway.delivery.worker import Worker

__all__ = [
    "NO_SPANS",
    "CircuitBreaker",
    "CircuitState",
    "Deliverer",
    "DeliveryParts",
    "Listener",
    "Live",
    "Policy",
    "Replay",
    "ReplayOptions",
    "Route",
    "Runtime",
    "SettledAttempt",
    "Spans",
    "Wakes",
    "Worker",
    "judge",
    "make_delivery",
]
