"""What the flags say of a delivery: its channel's, and for a profile change FLAG_UPDATES too."""

from flags import Decision, FlagSet, Mode, Reason, combine
from gateway.delivery.runtime import Live
from gateway.outcomes import Delivery, Kind

__all__ = ["UPDATES", "FlagPolicy", "decide"]

UPDATES = "updates"


def decide(
    flags: FlagSet,
    channel: str,
    customer_id: int,
    kind: Kind,
    email: str | None,
    *,
    linked: bool,
) -> Decision:
    """Percentage and allow-list of a channel count until it has the customer (`linked`).

    A profile change goes by the stricter of two flags; an erasure goes whatever they say.
    """
    if kind.removes:
        return Decision(Mode.ON, Reason.SET)
    own = flags[channel]
    known = kind.changes and linked and own.mode is Mode.ON
    decision = Decision(Mode.ON, Reason.SET) if known else own.decide(customer_id, email)
    if not kind.changes:
        return decision
    return combine(decision, flags[UPDATES].decide(customer_id, email))


class FlagPolicy:
    """The same by the flags of each moment."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def decide(
        self,
        channel: str,
        customer_id: int,
        kind: Kind,
        email: str | None = None,
        *,
        linked: bool = False,
    ) -> Decision:
        return decide(self._live.policy.flags, channel, customer_id, kind, email, linked=linked)

    def may_be(self, delivery: Delivery) -> bool:
        """Before customer and link are read: could these flags let the delivery go?"""
        names = [delivery.channel] + [UPDATES] * delivery.kind.changes
        return delivery.kind.removes or all(self._may_be_on(name, delivery) for name in names)

    def _may_be_on(self, name: str, delivery: Delivery) -> bool:
        flag = self._live.policy.flags[name]
        on = flag.decide(delivery.customer_id).mode is Mode.ON
        unasked = bool(flag.allow) or (delivery.kind.changes and name != UPDATES)
        return on or (flag.mode is Mode.ON and unasked)
