"""The main path with nothing around it: a database in memory, a clock that is set by hand, a
Shopify and channels that do as they are told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import orjson

from gateway.customer import Address, Customer, Profile
from gateway.delivery import CircuitBreaker
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.registration.acceptance import Acceptance
from gateway.registration.deferred import AT_ONCE, DeferredRegistrations
from gateway.registration.deferred_attempt import DeferredAttempt
from gateway.registration.intent import SignUp
from gateway.registration.recovery import Recovery
from gateway.registration.registrar import Registrar
from gateway.registration.status import RegistrationStatus
from gateway.responses.bodies import Answer
from gateway.shopify import Accepted, AlreadyRegistered, Refused, Shopify
from gateway.store import Disk, registrations
from gateway.store.registrations import Registration
from tests.delivery.heart import TARO, AShopify, Heart, trouble
from tests.people import NAME

__all__ = [
    "PROFILE",
    "Asked",
    "Desk",
    "a_sign_up",
    "body",
    "down",
    "two_rounds_that_break",
    "until",
]

PROFILE = Profile(
    email="Taro@example.com",
    **NAME,
    address=Address(postal_code="150-0043", prefecture="JP-13", city="渋谷区"),
)


def a_sign_up(*, verified: bool = False, key: str | None = None, later: bool = False) -> SignUp:
    return SignUp(PROFILE, verified, key, later)


def down(*, applied: bool | None = None, **more: Any) -> UpstreamError:
    """Shopify fails; by default nobody knows whether it carried the call out."""
    kind = more.pop("kind", ErrorClass.TIMEOUT)
    return trouble(kind, system="shopify", applied=applied, **more)


def body(answer: Answer | None) -> Any:
    assert answer is not None
    return orjson.loads(answer.body)


@dataclass(frozen=True)
class Asked:
    """What the master was asked to register."""

    id: str
    profile: Profile
    email_verified: bool
    look_first: bool
    seconds: float
    ours: dict[str, bool]


Said = Accepted | AlreadyRegistered | Refused | BaseException
End = Said | Callable[[], Awaitable[Said]]


class AMaster(AShopify):
    """Shopify as the main path asks it; `ends` in turn, then everybody is created."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[End] = []
        self.registered: list[Asked] = []
        self.marks: list[str] = []
        self.found: list[Customer | BaseException | None] = []
        self.looks: list[tuple[str, str]] = []
        self.reads: list[list[int]] = []

    async def register(
        self,
        registration_id: str,
        profile: Profile,
        *,
        email_verified: bool,
        is_ours: Callable[[str], Awaitable[bool]],
        look_first: bool,
        deadline: float,
    ) -> Accepted | AlreadyRegistered | Refused:
        ours = {mark: await is_ours(mark) for mark in self.marks}
        left = deadline - asyncio.get_running_loop().time()
        self.registered.append(
            Asked(registration_id, profile, email_verified, look_first, left, ours)
        )
        customer = Customer(TARO, profile, registration_id)
        end: Any = self.ends.pop(0) if self.ends else Accepted(customer, "created", fresh=True)
        if callable(end):
            end = await end()
        if isinstance(end, BaseException):
            raise end
        if isinstance(end, Accepted):
            self.customers[end.customer.id] = end.customer
        result: Accepted | AlreadyRegistered | Refused = end
        return result

    async def find(self, registration_id: str, email: str) -> Customer | None:
        self.looks.append((registration_id, email))
        found = self.found.pop(0) if self.found else None
        if isinstance(found, BaseException):
            raise found
        return found

    async def read(self, customer_ids: Iterable[int]) -> dict[int, Customer]:
        ids = list(customer_ids)
        self.reads.append(ids)
        if self.trouble is not None:
            raise self.trouble
        return {i: self.customers[i] for i in ids if i in self.customers}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def two_rounds_that_break(part: DeferredRegistrations | Recovery) -> None:
    """For want of the database, and by a fault of ours."""
    rounds = 0

    async def breaks() -> float:
        nonlocal rounds
        rounds += 1
        raise StorageError("full", "mend it") if rounds == 1 else ValueError

    part._round = breaks  # type: ignore[method-assign]
    part.start()
    await until(lambda: rounds == 1)
    part.wake()
    await until(lambda: rounds == 2)
    await part.stop()


async def _no_jump() -> bool:
    return False


class Desk(Heart):
    """`calls` counts what the parts were told of: `unclear`, `promised`, `gone`, `owed`, ..."""

    def __init__(self) -> None:
        super().__init__()
        self.master = AMaster()
        self.deliverer._shopify = cast("Shopify", self.master)
        self.room = True
        # The clock is set by hand, and that is no jump of it.
        self.delivery.clock_jumps.follow = _no_jump  # type: ignore[method-assign]
        self.calls = self.listener.calls
        self.results = self.listener.results
        self.hopeless = self.listener.failures
        shopify = cast("Shopify", self.master)
        self.acceptance = Acceptance(self.db, self.routes, self.runtime)
        self.standing = RegistrationStatus(self.db, self.delivery.preparation)
        self.registrar = Registrar(
            self.db,
            self.keys,
            shopify,
            self.delivery,
            self.acceptance,
            self.standing,
            self.runtime,
        )
        self.disk, self.registrar._disk = self.registrar._disk, cast("Disk", self)
        self.recovery = Recovery(
            self.db,
            self.keys,
            shopify,
            self.registrar,
            self.acceptance,
            asyncio.Event(),
            self.runtime,
        )
        self.trying = DeferredAttempt(
            self.db, self.keys, shopify, self.delivery, self.acceptance, self.runtime
        )
        self.deferred = DeferredRegistrations(
            self.db,
            self.trying,
            self.registrar,
            CircuitBreaker("shopify", self.clock, AT_ONCE),
            asyncio.Event(),
            self.delivery.clock_jumps,
            self.runtime,
        )

    async def has_room(self) -> bool:
        return self.room

    async def sign_up(self, **how: Any) -> Answer:
        return await self.registrar.register(a_sign_up(**how))

    def registration(self, identity: str) -> Registration | None:
        return registrations.get(self.db.connection, identity)

    def rows(self) -> list[Registration]:
        found = self.db.connection.execute("SELECT id FROM registrations ORDER BY created_at, id")
        rows = [self.registration(row[0]) for row in found.fetchall()]
        return [row for row in rows if row is not None]

    @property
    def only(self) -> Registration:
        (row,) = self.rows()
        return row

    def set(self, **columns: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in columns)
        self.db.connection.execute(f"UPDATE registrations SET {names}", tuple(columns.values()))

    def column(self, name: str) -> Any:
        return self.db.connection.execute(f"SELECT {name} FROM registrations").fetchone()[0]

    def intents(self) -> int:
        count: int = self.db.connection.execute("SELECT count(*) FROM intents").fetchone()[0]
        return count

    def owed_rows(self) -> dict[str, str]:
        found = self.db.connection.execute("SELECT channel, outcome FROM deliveries ORDER BY id")
        return {row[0]: row[1] for row in found}

    def answers(self) -> list[tuple[int | None, bytes | None]]:
        found = self.db.connection.execute("SELECT status, answer FROM idempotency_keys")
        return [(row[0], row[1]) for row in found]

    def proven(self) -> dict[int, bytes]:
        found = self.db.connection.execute("SELECT customer_id, email_hash FROM proofs")
        return {row[0]: row[1] for row in found}
