"""All that is the same for every channel: attempt, outcome, retry, circuit, replay, worker."""

from gateway.delivery.attempt import Route, SettledAttempt
from gateway.delivery.circuit import CircuitBreaker, CircuitState
from gateway.delivery.deliverer import Deliverer
from gateway.delivery.replay import Replay, ReplayOptions
from gateway.delivery.retry import judge
from gateway.delivery.worker import Worker

__all__ = [
    "CircuitBreaker",
    "CircuitState",
    "Deliverer",
    "Replay",
    "ReplayOptions",
    "Route",
    "SettledAttempt",
    "Worker",
    "judge",
]
