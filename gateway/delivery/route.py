"""A channel, together with what is needed to reach it."""

from collections.abc import Callable, Iterable
from typing import cast

from gateway import frozen
from gateway.channels import Channel, Pos, Spec
from gateway.delivery.circuit import CircuitBreaker
from gateway.outcomes import Delivery
from gateway.settings import Section

__all__ = ["Route"]


@frozen
class Route:
    """A channel, its line in the roster, its circuit and its settings as they are now."""

    spec: Spec
    channel: Channel
    circuit: CircuitBreaker
    settings: Callable[[], Section]

    def number_beforehand(self, customer_id: int, deliveries: Iterable[Delivery]) -> str | None:
        """The member number that a customer with an open delivery to this channel will get.

        Only for somebody who signed up: others have no such delivery.
        """
        owed = any(
            delivery.channel == self.spec.name
            and delivery.outcome.is_open
            and not delivery.kind.removes
            for delivery in deliveries
        )
        return str(customer_id) if owed and self.numbers_by_rule() else None

    def numbers_by_rule(self) -> bool:
        """Whether, by the settings of now, the Shopify customer id is everybody's member number."""
        return cast(Pos, self.channel).numbers_by_rule

    def foresee_sign_up(self) -> None:
        cast(Pos, self.channel).foresee_sign_up()
