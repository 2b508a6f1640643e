"""The heart with nothing around it: an outbox in memory, a clock that is set by hand, a Shopify and
channels that do as they are told. An attempt costs some tenths of a millisecond.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar, cast

from flags import Decision, Flag, FlagSet, Mode
from gateway.background import Background
from gateway.channels import Check, Done, Spec, Work
from gateway.customer import Customer, Profile
from gateway.delivery import (
    CircuitBreaker,
    Deliverer,
    Policy,
    Route,
    Runtime,
    SettledAttempt,
    make_delivery,
)
from gateway.delivery.spans import Note
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Delivery, Kind, Link, NewDelivery, Outcome
from gateway.settings import Section
from gateway.shopify import Shopify
from gateway.shopify.batches import Read
from gateway.store import Keys, outbox
from tests.people import NAME, TARO_ID
from tests.store.memory import MemoryDatabase

__all__ = ["HANAKO", "TARO", "AChannel", "AShopify", "Heart", "a_customer", "trouble"]

T = TypeVar("T")
TARO, HANAKO = TARO_ID, TARO_ID + 1
SCHEDULE = (5.0, 30.0)


def a_customer(customer_id: int = TARO, **changes: Any) -> Customer:
    profile = {"email": f"c{customer_id}@example.com", **NAME, **changes}
    return Customer(customer_id, Profile(**profile))


def trouble(
    error_class: ErrorClass = ErrorClass.TIMEOUT, *, system: str = "smaregi", **more: Any
) -> UpstreamError:
    return UpstreamError(system, "call", error_class, "it went wrong", **more)


class Clock:
    """Wall time and the gates' in one; it stands until it is set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class TheSettings(Section):
    lacking: str = ""
    age: float = 0.0

    def missing(self) -> list[str]:
        return [self.lacking] if self.lacking else []


End = Done | BaseException | Callable[[Work], Awaitable[Done]]


class AChannel:
    """`ends` are taken in turn; after the last every attempt is `Done`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.works: list[Work] = []
        self.removed: list[Link] = []
        self.ends: list[End] = []
        self.consent = "consent" if name == "crm" else ""
        self.numbers_by_rule = True
        self.foreseen = 0

    def foresee_sign_up(self) -> None:
        self.foreseen += 1

    def takes(self, _: Customer, /) -> bool:
        return True

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def check(self) -> Sequence[Check]:
        return []

    async def deliver(self, work: Work) -> Done:
        self.works.append(work)
        number = str(work.customer.id) if self.name == "smaregi" else None
        reference = f"{self.name}-{work.customer.id}"
        return await self._end(work, Done("created", reference, member_number=number))

    async def record_of(self, customer_id: int) -> str | None:
        return None

    async def remove(self, link: Link) -> Done:
        self.removed.append(link)
        return await self._end(None, Done("removed", link.reference))

    async def _end(self, work: Work | None, otherwise: Done) -> Done:
        end = self.ends.pop(0) if self.ends else otherwise
        if isinstance(end, BaseException):
            raise end
        if isinstance(end, Done):
            return end
        assert work is not None
        return await end(work)

    def fields_of(self, customer: Customer) -> Mapping[str, str]:
        wants = {"consent": "yes"} if customer.profile.accepts_marketing else {}
        return {"name": customer.profile.last_name, **wants}


class AShopify:
    """Has `customers`; `trouble` is what a read raises."""

    def __init__(self, *customers: Customer) -> None:
        self.customers = {each.id: each for each in customers}
        self.refused: dict[int, UpstreamError] = {}
        self.trouble: UpstreamError | None = None
        self.asked: list[set[int]] = []

    async def read_each(self, customer_ids: Iterable[int]) -> Read:
        ids = set(customer_ids)
        self.asked.append(ids)
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble
        found = {i: self.customers[i] for i in ids - self.refused.keys() if i in self.customers}
        return Read(found, {i: e for i, e in self.refused.items() if i in ids})


class Told:
    """The listener of a `Heart`; what it is told beside attempts and due deliveries is counted."""

    def __init__(self, heart: "Heart") -> None:
        self._heart = heart
        self.calls: list[str] = []
        self.results: list[UpstreamError | None] = []
        self.waited_for: list[bool] = []
        self.failures: list[tuple[ErrorClass, str]] = []
        self.areas: list[str] = []

    def attempt_ended(self, ended: SettledAttempt) -> None:
        self._heart.told.append(ended)

    def delivery_due(self, channel: str | None = None) -> None:
        self.calls.append("owed") if channel is None else self._heart.woken.append(channel)

    def shopify_answered(self, error: UpstreamError | None, *, live: bool = True) -> None:
        self.results.append(error)
        self.waited_for.append(live)

    def intent_gone(self) -> None:
        self.calls.append("gone")

    def registration_unclear(self) -> None:
        self.calls.append("unclear")

    def registration_deferred(self) -> None:
        self.calls.append("promised")

    def failed(self, area: str, error_class: ErrorClass, text: str) -> None:
        self.failures.append((error_class, text))
        self.areas.append(area)

    def worked(self, area: str) -> None: ...

    def notice(self, alert: object) -> None: ...

    def pos_changed(self, result: str, fields: int) -> None: ...

    def points_read(self, result: str) -> None: ...

    def points_moved(self, points: int) -> None: ...

    def reconciled(self, found: Mapping[str, int], at: float) -> None: ...

    def event_ended(self, source: str, topic: str, result: str) -> None: ...


class Named(Background):
    """What fails by itself is told by its name alone, so everything has one."""

    def keep(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        assert name
        return super().keep(work, name)

    def run(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        assert name
        return super().run(work, name)


class TheSpans:
    """A trace's spans as they were opened, each with what was noted on it."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, object, dict[str, str | int]]] = []

    def registration(self, registration_id: str, *, first: bool) -> AbstractContextManager[Note]:
        return self._open("registration", (registration_id, first))

    def shopify(self) -> AbstractContextManager[Note]:
        return self._open("shopify", None)

    def attempt(self, delivery: Delivery) -> AbstractContextManager[Note]:
        return self._open("attempt", delivery.id)

    def _open(self, name: str, about: object) -> AbstractContextManager[Note]:
        notes: dict[str, str | int] = {}
        self.opened.append((name, about, notes))
        return nullcontext(notes.__setitem__)


class Heart:
    """`pos` numbers members, `crm` follows the customer, `mail` is too late after `age` seconds."""

    def __init__(self, *customers: Customer, **specs: Any) -> None:
        self.db = MemoryDatabase()
        self.clock = Clock()
        self.shopify = AShopify(*(customers or (a_customer(),)))
        self.keys = Keys("a secret of the tests alone")
        self.modes = dict.fromkeys(("smaregi", "crm", "mail", "updates"), Mode.ON)
        self.percent: dict[str, float] = {}
        self.settings: dict[str, Section] = {"mail": TheSettings(age=86400.0)}
        self.channels = {name: AChannel(name) for name in ("smaregi", "crm", "mail")}
        self.routes = {name: self._route(name, **specs) for name in self.channels}
        self.told: list[SettledAttempt] = []
        self.woken: list[str] = []
        self.gone: list[tuple[set[int], set[int]]] = []
        self.timeout = 8.0
        self.deadline = 10.0
        self.schedule: tuple[float, ...] = SCHEDULE
        self.waiting_limit = 100_000
        self.auto_replay = True
        self.told_others = Told(self)
        self.background = Named()
        self.spans = TheSpans()
        self.runtime = Runtime(self, self.told_others, self.background, self.spans)
        self.delivery = make_delivery(
            self.db,
            cast("Shopify", self.shopify),
            self.routes,
            self.keys,
            self,
            self.runtime,
        )
        self.deliverer: Deliverer = self.delivery.deliverer
        self.attempts = self.deliverer._attempts

    def _route(self, name: str, **specs: Any) -> Route:
        spec = Spec(
            name,
            name.upper(),
            TheSettings,
            lambda _: self.channels[name],
            max_age=lambda section: cast("TheSettings", section).age or None,
            updates=name != "mail",
            **specs,
        )
        circuit = CircuitBreaker(name, self.clock)
        return Route(
            spec, self.channels[name], circuit, lambda: self.settings.get(name, TheSettings())
        )

    def flags(self) -> FlagSet:
        variables = {name: f"FLAG_{name.upper()}" for name in self.modes}
        percent = self.percent.get
        flags = [Flag(variables[n], mode, percent=percent(n)) for n, mode in self.modes.items()]
        return FlagSet({flag.name: flag for flag in flags})

    @property
    def policy(self) -> Policy:
        return Policy(
            flags=self.flags(),
            schedule=self.schedule,
            timeout=self.timeout,
            deadline=self.deadline,
            retention_days=30.0,
            waiting_limit=self.waiting_limit,
            auto_replay=self.auto_replay,
            sync_newcomers=False,
            sync_pos=False,
        )

    def flag(self, channel: str, customer_id: int) -> Decision:
        return self.flags()[channel].decide(customer_id)

    async def read(self, asked: Iterable[int], found: Iterable[int]) -> set[int]:
        self.gone.append((set(asked), set(found)))
        return set()

    def circuit(self, channel: str = "smaregi") -> CircuitBreaker:
        return self.routes[channel].circuit

    # -- what is owed

    def owed(
        self,
        channel: str = "smaregi",
        outcome: Outcome = Outcome.PENDING,
        *,
        customer: int = TARO,
        kind: Kind = Kind.REGISTRATION,
        claimed: bool = False,
        not_before: float | None = None,
        urgent: bool = False,
    ) -> Delivery:
        new = NewDelivery(channel, kind, outcome, claimed, not_before, urgent)
        return outbox.add(self.db.connection, customer, "r1", [new], self.clock.now)[0]

    def change(self, delivery: Delivery, **columns: Any) -> Delivery:
        """The row as it would be after such a history."""
        names = ", ".join(f"{name} = ?" for name in columns)
        self.db.connection.execute(
            f"UPDATE deliveries SET {names} WHERE id = ?", (*columns.values(), delivery.id)
        )
        return self.row(delivery)

    def row(self, delivery: Delivery) -> Delivery:
        found = outbox.get(self.db.connection, delivery.id)
        assert found is not None
        return found

    def link(self, channel: str = "smaregi", customer: int = TARO, **columns: Any) -> None:
        columns = {
            "channel": channel,
            "customer_id": customer,
            "reference": f"{channel}-{customer}",
            "created_at": 1.0,
            "updated_at": 1.0,
            **columns,
        }
        places = ", ".join("?" * len(columns))
        self.db.connection.execute(
            f"INSERT INTO links ({', '.join(columns)}) VALUES ({places})", tuple(columns.values())
        )

    def change_link(self, channel: str = "smaregi", customer: int = TARO, **columns: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in columns)
        self.db.connection.execute(
            f"UPDATE links SET {names} WHERE channel = ? AND customer_id = ?",
            (*columns.values(), channel, customer),
        )

    def history(self, delivery: Delivery) -> list[dict[str, Any]]:
        return outbox.attempts_of(self.db.connection, delivery.id)

    async def settled(self) -> None:
        """Until nothing is under way any more, and nobody is owed a turn of the loop."""
        async with asyncio.timeout(30):
            while self.deliverer.has_work():
                await asyncio.sleep(0)
