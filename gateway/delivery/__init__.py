"""All that is the same for every channel: attempt, outcome, retry, circuit, replay, worker."""

from gateway.delivery.attempt import Ended, Route
from gateway.delivery.circuit import Admission, Gate
from gateway.delivery.deliverer import Deliverer
from gateway.delivery.replay import Replay, ReplayOptions
from gateway.delivery.retry import judge
from gateway.delivery.worker import Worker

__all__ = [
    "Admission",
    "Deliverer",
    "Ended",
    "Gate",
    "Replay",
    "ReplayOptions",
    "Route",
    "Worker",
    "judge",
]
