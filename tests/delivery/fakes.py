"""What stands around the heart: a clock that is set by hand, and a Shopify, channels and a listener
that do as they are told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from gateway.background import Background
from gateway.channels import Check, Done, Work
from gateway.customer import Customer, Profile
from gateway.delivery import SettledAttempt
from gateway.delivery.spans import Note
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Delivery, Link
from gateway.settings import Section
from gateway.shopify.batches import Read
from tests.people import NAME, TARO_ID

__all__ = [
    "HANAKO",
    "TARO",
    "AChannel",
    "AShopify",
    "Clock",
    "Listener",
    "Named",
    "TheSettings",
    "TheSpans",
    "a_customer",
    "trouble",
]

T = TypeVar("T")
TARO, HANAKO = TARO_ID, TARO_ID + 1


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


class Listener:
    """A listener that writes down what it hears."""

    def __init__(self) -> None:
        self.attempts: list[SettledAttempt] = []
        self.woken: list[str] = []
        self.calls: list[str] = []
        self.results: list[UpstreamError | None] = []
        self.waited_for: list[bool] = []
        self.failures: list[tuple[ErrorClass, str]] = []
        self.areas: list[str] = []

    def together(self) -> AbstractContextManager[object]:
        return nullcontext()

    def attempt_ended(self, ended: SettledAttempt) -> None:
        self.attempts.append(ended)

    def delivery_due(self, channel: str | None = None) -> None:
        self.calls.append("owed") if channel is None else self.woken.append(channel)

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
