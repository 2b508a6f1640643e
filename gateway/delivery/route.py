"""What leads to a channel."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.channels import Channel, Spec
from gateway.delivery.gate import Gate
from gateway.settings import Section

__all__ = ["Route"]


@dataclass(frozen=True, slots=True)
class Route:
    """A channel, its line in the roster, its gate and its settings as they are now."""

    spec: Spec
    channel: Channel
    gate: Gate
    settings: Callable[[], Section]
