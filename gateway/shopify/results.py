"""How a sign-up or a change ends at Shopify, as values."""

from collections.abc import Mapping
from typing import Literal

from gateway import frozen
from gateway.customer import Customer
from gateway.wording import Code, FieldError

__all__ = [
    "Accepted",
    "AlreadyRegistered",
    "ChangeResult",
    "Changed",
    "EmailTaken",
    "Missing",
    "Refused",
    "Result",
    "Warnings",
]

Warnings = tuple[Mapping[str, str], ...]


@frozen
class Accepted:
    """`fresh`: made a moment ago by this very call, so no channel can have heard of it."""

    customer: Customer
    action: Literal["created", "adopted"]
    warnings: Warnings = ()
    fresh: bool = False


@frozen
class AlreadyRegistered:
    """Somebody enabled, or registered through us, has this e-mail: this customer."""

    customer_id: int


@frozen
class Refused:
    """What Shopify refuses, in our words. `partly`: of a change, some was carried out before."""

    errors: tuple[FieldError, ...]
    partly: bool = False

    @property
    def email_taken(self) -> bool:
        return any(e.field == "email" and e.code is Code.TAKEN for e in self.errors)

    @property
    def is_there_already(self) -> bool:
        """A value that must be unique is taken: perhaps by the very record that was to be made."""
        return any(e.code is Code.TAKEN for e in self.errors)

    @property
    def phone_alone(self) -> bool:
        return bool(self.errors) and all(error.field == "phone" for error in self.errors)


@frozen
class Changed:
    """The customer as they are after a change."""

    customer: Customer
    warnings: Warnings = ()
    new_email: bool = False


@frozen
class Missing:
    """Shopify has no customer with this id."""


@frozen
class EmailTaken:
    """Another customer has the new e-mail."""


ChangeResult = Changed | Missing | EmailTaken | Refused
Result = Accepted | AlreadyRegistered | Refused
