"""The heart with nothing around it but an outbox in memory and the parts of `fakes.py`. An attempt
costs some tenths of a millisecond.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from flags import Decision, Flag, FlagSet, Mode
from gateway.channels import Spec
from gateway.customer import Customer
from gateway.delivery import CircuitBreaker, Deliverer, Policy, Route, Runtime, make_delivery
from gateway.outcomes import Delivery, Kind, NewDelivery, Outcome
from gateway.settings import Section
from gateway.shopify import Shopify
from gateway.store import Keys, outbox
from tests.delivery.fakes import (
    HANAKO,
    TARO,
    AChannel,
    AShopify,
    Clock,
    Listener,
    Named,
    TheSettings,
    TheSpans,
    a_customer,
    trouble,
)
from tests.store.memory import MemoryDatabase

__all__ = [
    "HANAKO",
    "TARO",
    "AChannel",
    "AShopify",
    "Heart",
    "TheSettings",
    "a_customer",
    "trouble",
]

SCHEDULE = (5.0, 30.0)


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
        self.gone: list[tuple[set[int], set[int]]] = []
        self.timeout = 8.0
        self.deadline = 10.0
        self.schedule: tuple[float, ...] = SCHEDULE
        self.waiting_limit = 100_000
        self.auto_replay = True
        self.listener = Listener()
        self.told, self.woken = self.listener.attempts, self.listener.woken
        self.background = Named()
        self.spans = TheSpans()
        self.runtime = Runtime(self, self.listener, self.background, self.spans)
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
