"""Whether a customer may spend so many points, and what they are worth.

Both systems are asked before anything is written, so a system in trouble costs nobody points.
"""

import asyncio
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal, Protocol

from flags import Mode
from gateway import frozen
from gateway.customer import Customer
from gateway.errors import EmailNotProven, ErrorClass, UpstreamError
from gateway.points.proof import Proof
from gateway.points.rates import Rates
from gateway.points.reader import owner_of
from gateway.points.switch import Switch
from gateway.store import Engine

__all__ = ["Asked", "Customers", "Eligibility", "EligibilityParts", "Refusal", "Worth", "worth_of"]

Why = Literal[
    "off",
    "held",
    "no_member",
    "no_customer",
    "unit",
    "insufficient",
    "active",
    "too_many",
    "key_reused",
    "stopped",
    "ended",
]


@frozen
class Refusal:
    """`number`: the store's unit, the balance, the open reservation's id, or seconds to wait."""

    why: Why
    number: int = 0


@frozen
class Asked:
    """`key`: the caller's idempotency key, made unique to the caller."""

    customer_id: int
    points: int
    key: str | None = None


@frozen
class Worth:
    """`yen` that the points of this member are worth."""

    member_id: int
    yen: int
    dry_run: bool


class Customers(Protocol):
    async def read(self, customer_ids: list[int]) -> Mapping[int, Customer]: ...


class Balances(Protocol):
    async def balance(self, member_id: str) -> int | None: ...


@frozen
class EligibilityParts:
    db: Engine
    customers: Customers
    members: Balances
    rates: Rates
    switch: Switch
    proof: Proof


class Eligibility:
    def __init__(self, parts: EligibilityParts) -> None:
        self._of = parts

    async def look(self, asked: Asked, seconds: float) -> Worth | Refusal:
        """Raises EmailNotProven, and UpstreamError, also where a system takes longer than that."""
        owner = await self._of.db.read(lambda db: owner_of(db, asked.customer_id))
        if owner.unproven:
            raise EmailNotProven
        if owner.member_id is None:
            return Refusal("no_member")
        if await self._of.proof.stopped():
            return Refusal("stopped")
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(asked, owner.member_id)
        except TimeoutError:
            raise _unread(f"no answer within {seconds:g} s", ErrorClass.TIMEOUT) from None

    async def _ask(self, asked: Asked, member_id: int) -> Worth | Refusal:
        unit, yen = worth_of(await self._of.rates.store(), asked.points)
        if asked.points % unit or yen < 1:
            return Refusal("unit", unit)
        customers, balance = await asyncio.gather(
            self._of.customers.read([asked.customer_id]), self.balance(member_id)
        )
        customer = customers.get(asked.customer_id)
        if customer is None or balance is None:
            return Refusal("no_customer" if customer is None else "no_member")
        mode = self._of.switch.spending(asked.customer_id, customer.profile.email)
        if mode not in {Mode.ON, Mode.DRY_RUN}:
            return Refusal("held")
        if balance < asked.points:
            return Refusal("insufficient", max(0, balance))
        return Worth(member_id, yen, mode is Mode.DRY_RUN)

    async def balance(self, member_id: int) -> int | None:
        """None if there is no such member any more. Raises UpstreamError."""
        return await self._of.members.balance(str(member_id))


def worth_of(store: Mapping[str, str], points: int) -> tuple[int, int]:
    """The store's unit of points that are used, and what these are worth in it, in yen.

    UpstreamError where the store does not say so.
    """
    try:
        unit = int(Fraction(store.get("pointUseUnit") or "1"))
        rate = Fraction(store.get("spendRate") or "1")
    except (ValueError, ZeroDivisionError):
        text = "the store does not say what points are worth"
        raise _unread(text, ErrorClass.UNEXPECTED) from None
    return max(1, unit), int(points * rate)


def _unread(text: str, error_class: ErrorClass) -> UpstreamError:
    return UpstreamError("smaregi", "reserve points", error_class, text, applied=False)
