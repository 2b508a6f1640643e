"""The room's parts, put together."""

from collections.abc import Mapping

from gateway import frozen
from gateway.delivery.attempt import Attempts
from gateway.delivery.clock_jumps import ClockJumps
from gateway.delivery.deliverer import Deliverer, Doubted
from gateway.delivery.preparation import Preparation
from gateway.delivery.proofs import Proofs
from gateway.delivery.route import Route
from gateway.delivery.runtime import Runtime
from gateway.delivery.settling import AttemptResults
from gateway.shopify import Shopify
from gateway.store import Engine, Keys

__all__ = ["DeliveryParts", "make_delivery"]


@frozen
class DeliveryParts:
    """What the rooms above work with."""

    routes: Mapping[str, Route]
    preparation: Preparation
    proofs: Proofs
    clock_jumps: ClockJumps
    deliverer: Deliverer


def make_delivery(
    db: Engine,
    shopify: Shopify,
    routes: Mapping[str, Route],
    keys: Keys,
    doubted: Doubted,
    runtime: Runtime,
) -> DeliveryParts:
    clock_jumps = ClockJumps(db, runtime.live)
    ends = AttemptResults(db, clock_jumps, runtime)
    preparation = Preparation(db, routes, keys, runtime.live)
    attempts = Attempts(routes, preparation, ends, runtime)
    deliverer = Deliverer(db, shopify, attempts, ends, doubted, runtime)
    return DeliveryParts(
        routes, preparation, Proofs(db, preparation, runtime), clock_jumps, deliverer
    )
