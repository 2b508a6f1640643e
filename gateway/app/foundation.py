"""Settings -> what all other parts stand on: alerts, the listener, Shopify, the channels."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from gateway import frozen
from gateway.alerts import AlertFacts, AlertSender
from gateway.app.config import LiveConfig
from gateway.app.identity import IdentitySource
from gateway.background import Background
from gateway.channels import ROSTER, Context, Spec
from gateway.delivery import CircuitBreaker, Route, Runtime, Spans, Wakes
from gateway.outcomes import AUTOMATIC, Outcome
from gateway.registration.deferred import AT_ONCE
from gateway.shopify import DiscountCodes, GraphQL, Orders, Shopify, Subscriptions
from gateway.store import Engine, Keys, tally
from gateway.store.points import movements
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observer import Observer
from gateway.wire import Wire
from gateway.wire.cost_bucket import CostBucket

__all__ = [
    "Foundation",
    "Master",
    "Surroundings",
    "make_foundation",
    "make_master",
    "make_route",
]


@frozen
class Foundation:
    """`circuit` is Shopify's, for registrations that wait."""

    alerts: AlertSender
    wakes: Wakes
    circuit: CircuitBreaker
    runtime: Runtime


def make_foundation(
    live: LiveConfig, wire: Wire, metrics: Metrics, spans: Spans, db: Engine
) -> Foundation:
    alerts = AlertSender(
        wire,
        lambda: live.current.alerts,
        lambda: live.current.email,
        lambda: live.policy.timeout,
        facts=AlertFacts(
            lambda: _waiting(db),
            partial(_console, live),
            {spec.name: spec.title for spec in ROSTER},
        ),
    )
    wakes = Wakes.of(spec.name for spec in ROSTER)
    circuit = CircuitBreaker("shopify", time.monotonic, AT_ONCE)
    runtime = Runtime(live, Observer(metrics, alerts, wakes, circuit), Background(), spans)
    return Foundation(alerts, wakes, circuit, runtime)


def _console(live: LiveConfig) -> str | None:
    """On a port of its own nobody knows by which name it is reached."""
    own = live.current.gateway
    if not (own.gateway_admin_password or own.gateway_staff_password):
        return None
    return "" if own.gateway_admin_port is not None else own.gateway_public_url or ""


async def _waiting(db: Engine) -> dict[str, int]:
    """What waits for each system, and of each channel what needs a person."""
    counted = await db.read(tally.read)
    found = {"shopify": counted.deferred, "registrations": counted.deferred}
    found |= {"webhooks": counted.events, **{spec.name: 0 for spec in ROSTER}}
    for channel, outcome, number in counted.deliveries:
        if outcome in AUTOMATIC:
            found[channel] = found.get(channel, 0) + number
        elif outcome == Outcome.FAILED:
            found[f"{channel} failed"] = number
    found["points"] = sum((await db.read(movements.counts)).values())
    return found


@frozen
class Master:
    """`side`: how the shop is asked which it is."""

    shopify: Shopify
    subscriptions: Subscriptions
    orders: Orders
    discounts: DiscountCodes
    side: IdentitySource


def make_master(live: LiveConfig, wire: Wire) -> Master:
    def settings() -> Any:
        return live.current.shopify

    # The loop's clock: the deadlines that the registrar gives are in it.
    clock = asyncio.get_running_loop().time
    graphql = GraphQL(wire, settings, clock, CostBucket(time.monotonic))
    shopify = Shopify(graphql, settings, clock)
    side = IdentitySource("shop", shopify.identity, _FORGETS)
    return Master(shopify, Subscriptions(graphql), Orders(graphql), DiscountCodes(graphql), side)


@frozen
class Surroundings:
    """What a channel is made of beside its line in the roster; `ready(channel)` as in `Context`."""

    live: LiveConfig
    db: Engine
    keys: Keys
    wire: Wire
    shopify: Shopify
    ready: Callable[[str], Awaitable[None]]


def make_route(spec: Spec, around: Surroundings) -> tuple[Route, IdentitySource | None]:
    """The way to a channel, and how its side is asked who it is."""
    live = around.live

    def settings() -> Any:
        return live.current.sections[spec.name]

    context = Context(
        wire=around.wire,
        db=around.db,
        keys=around.keys,
        settings=settings,
        store=lambda: live.current.store,
        timeout=lambda: live.policy.timeout,
        clock=around.db.now,
        customer_exists=around.shopify.exists,
        ready=partial(around.ready, spec.name),
    )
    channel = spec.build(context)
    circuit = CircuitBreaker(spec.name, time.monotonic, spec.at_once)
    ask = None if spec.identify is None else partial(spec.identify, channel, context)
    side = None if ask is None else IdentitySource(spec.account, ask, spec.forgets)
    return Route(spec, channel, circuit, settings), side


_FORGETS = (
    "Every link, open delivery and waiting webhook of the old shop's customers is forgotten here. "
    "Their records in the channels stay as they are."
)
