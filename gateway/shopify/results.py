"""How a sign-up ends at Shopify, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.customer import Customer

__all__ = ["Accepted", "AlreadyRegistered", "Refused", "Result", "Warnings"]

Warnings = tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """`fresh`: made a moment ago by this very call, so no channel can have heard of it."""

    customer: Customer
    action: Literal["created", "adopted"]
    warnings: Warnings = ()
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class AlreadyRegistered:
    """Somebody enabled, or registered through us, has this e-mail: this customer."""

    customer_id: int


@dataclass(frozen=True, slots=True)
class Refused:
    """What Shopify refuses, under our fields' names: `{field, message}` each."""

    errors: tuple[Mapping[str, str], ...]


Result = Accepted | AlreadyRegistered | Refused
