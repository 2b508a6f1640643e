"""Where the gateway meets clock, disk, network and mail: in a simulation these are the world's."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.app import lifecycle
from gateway.registration import recovery
from gateway.shopify import Shopify
from gateway.store import database
from gateway.wire import SmtpTransport, smtp
from tests.simulation import clock
from tests.simulation.disk import Thread
from tests.simulation.network import VirtualWire
from tests.simulation.world import current

__all__ = ["installed"]

KEEP_ASKING = 14.0
"""In place of a quarter of an hour: longer than any late request of the weather."""


@contextmanager
def installed() -> Iterator[None]:
    """Inside, gateways are built on the current world's clock, disk and network."""
    edges: list[tuple[Any, str, Any]] = [
        (database, "_Connection", lambda *_: Thread(current().disk)),
        (lifecycle, "Wire", _wire),
        (Shopify, "register", _one_at_a_time(vars(Shopify)["register"])),
        (recovery, "KEEP_ASKING", KEEP_ASKING),
        (SmtpTransport, "_open", lambda *_: current().post.connect()),
        (smtp, "hand_over", lambda connection, *mail: connection.take(*mail[:3])),
    ]
    old = [(holder, name, getattr(holder, name)) for holder, name, _ in edges]
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    with clock.virtual(current):
        for holder, name, value in edges:
            setattr(holder, name, value)
        try:
            yield
        finally:
            for holder, name, value in old:
                setattr(holder, name, value)
            logging.disable(disabled)


def _one_at_a_time(register: Any) -> Any:
    """A registration is brought to Shopify by one run at a time."""

    async def watched(self: Any, registration_id: str, *given: Any, **options: Any) -> Any:
        world, under_way = current(), vars(self).setdefault("_under_way", set())
        if registration_id in under_way:
            world.find("two runs", f"registration {registration_id} is brought to Shopify twice")
        under_way.add(registration_id)
        try:
            return await register(self, registration_id, *given, **options)
        finally:
            under_way.discard(registration_id)

    return watched


def _wire(*options: Any) -> VirtualWire:
    wire = VirtualWire(*options)
    wire.network = current().network
    return wire
