"""What the flags say of a delivery: its channel's, and for a profile change FLAG_UPDATES too."""

from collections.abc import Callable

from flags import Decision, FlagSet, Mode, Reason, combine
from gateway.outcomes import Delivery, Kind

__all__ = ["UPDATES", "FlagPolicy"]

UPDATES = "updates"


class FlagPolicy:
    def __init__(self, flags: Callable[[], FlagSet]) -> None:
        self._flags = flags

    def decide(
        self,
        channel: str,
        customer_id: int,
        kind: Kind,
        email: str | None = None,
        *,
        linked: bool = False,
    ) -> Decision:
        """A channel's percentage and allow-list count only until it has the customer (`linked`).

        For a profile change the stricter of two flags counts. A removal goes whatever they say.
        """
        if kind is Kind.REMOVAL:
            return Decision(Mode.ON, Reason.SET)
        own = self._flags()[channel]
        known = kind is Kind.UPDATE and linked and own.mode is Mode.ON
        decision = Decision(Mode.ON, Reason.SET) if known else own.decide(customer_id, email)
        if kind is not Kind.UPDATE:
            return decision
        return combine(decision, self._flags()[UPDATES].decide(customer_id, email))

    def may_be(self, delivery: Delivery) -> bool:
        """Before customer and link are read: could these flags let the delivery go?"""
        names = [delivery.channel] + [UPDATES] * (delivery.kind is Kind.UPDATE)
        return delivery.kind is Kind.REMOVAL or all(
            self._may_be_on(name, delivery) for name in names
        )

    def _may_be_on(self, name: str, delivery: Delivery) -> bool:
        flag = self._flags()[name]
        on = flag.decide(delivery.customer_id).mode is Mode.ON
        unasked = bool(flag.allow) or (delivery.kind is Kind.UPDATE and name != UPDATES)
        return on or (flag.mode is Mode.ON and unasked)
