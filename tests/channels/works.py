"""What channels are given in tests: a customer, and a piece of work about them."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.channels import Channel, Context, Shop, Spec, Work
from gateway.customer import Customer
from gateway.outcomes import Kind, Link
from gateway.settings import Section
from gateway.store import Database, Keys
from gateway.wire import Wire
from tests.people import PROFILE, TARO_ID

__all__ = ["PERSONAL", "TARO", "a_channel", "a_work"]

TARO = Customer(id=TARO_ID, profile=PROFILE)

PERSONAL = ("taro@", "山田", "太郎", "ヤマダ", "1234-5678", "1990-04-01", "道玄坂", "渋谷")
"""What must not stand in an error or a log line."""


def a_work(
    customer: Customer = TARO,
    *,
    fresh: bool = False,
    link: Link | None = None,
    plan: Mapping[str, Any] | None = None,
    number: str = "7000000000001",
    saved: list[dict[str, Any]] | None = None,
    **profile: Any,
) -> Work:
    """`saved` collects the plans; `profile` are changes to the customer's."""

    async def tills() -> str:
        return number

    async def save_plan(written: dict[str, Any]) -> None:
        if saved is not None:
            saved.append(written)

    changed = dataclasses.replace(customer.profile, **profile)
    return Work(
        customer=dataclasses.replace(customer, profile=changed),
        kind=Kind.REGISTRATION,
        link=link,
        fresh=fresh,
        plan=plan,
        save_plan=save_plan,
        number=tills,
    )


async def _exists(_customer_id: int) -> bool:
    return False


async def _ready() -> None:
    return


def a_channel(
    spec: Spec,
    wire: Wire,
    settings: Section | Callable[[], Section],
    *,
    seconds: float = 1.0,
    path: Path | None = None,
    db: Database | None = None,
) -> Channel:
    """A channel alone; `path` names its database, not opened here; `db` is one."""
    context = Context(
        wire=wire,
        db=db or Database(path or Path("not-opened.db")),
        keys=Keys("a secret of the tests"),
        settings=settings if callable(settings) else lambda: settings,
        store=lambda: Shop("https://shop.example.com", "sandbox.myshopify.com"),
        timeout=lambda: seconds,
        clock=lambda: 1_790_000_000.0,
        customer_exists=_exists,
        ready=_ready,
    )
    return spec.build(context)
