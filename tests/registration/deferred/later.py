"""Sign-ups with `Prefer: respond-async`, and what becomes of them."""

from collections.abc import Iterable
from typing import Any

from tests.e2e.trouble.ending import eventually
from tests.world import Reply, World

__all__ = [
    "LATER",
    "becomes",
    "comes_back",
    "later",
    "names_in_shopify",
    "state_of",
    "waits_for_long",
]

LATER = {"Prefer": "respond-async"}


async def later(world: World, *, key: str | None = None, **changes: Any) -> Reply:
    headers = LATER if key is None else {**LATER, "Idempotency-Key": key}
    return await world.register(headers=headers, **changes)


async def becomes(world: World, reply: Reply, *statuses: str, seconds: float = 30.0) -> Reply:
    """What its `Location` shows once it has one of these statuses."""
    place = reply.headers["Location"]
    shown = await world.get(place)

    async def there() -> bool:
        nonlocal shown
        shown = await world.get(place)
        return shown.status == 200 and shown.body["status"] in statuses

    try:
        await eventually(there, seconds)
    except TimeoutError:
        raise AssertionError(f"not {statuses}: {shown.raw!r}") from None
    return shown


def names_in_shopify(world: World) -> list[tuple[str | None, str | None]]:
    """(e-mail, first name) of every customer."""
    customers: Iterable[Any] = world.sandbox.shopify.customers.values()
    return sorted((customer.email, customer.first_name) for customer in customers)


async def state_of(world: World, registration_id: str) -> str | None:
    """The row's state; None where it is gone."""
    row = await world.core.db.read(
        lambda db: db.execute(
            "SELECT state FROM registrations WHERE id = ?", (registration_id,)
        ).fetchone()
    )
    return row[0] if row else None


async def waits_for_long(world: World) -> None:
    """Until a try of each has failed, with the next minutes away (GATEWAY_RETRY_SCHEDULE=300)."""

    async def all_failed() -> bool:
        rows = await world.core.db.read(
            lambda db: db.execute(
                """SELECT claimed, next_try_at > created_at + 60 FROM registrations
                   WHERE state = 'waiting'"""
            ).fetchall()
        )
        return all(tuple(row) == (0, 1) for row in rows)

    await eventually(all_failed)


async def comes_back(world: World) -> None:
    """Shopify works again, and nobody has to wait for the time of the next try."""
    world.sandbox.faults.clear()
    await world.core.db.write(lambda db: db.execute("UPDATE registrations SET next_try_at = 0"))
    circuit = world.core.deferred._circuit
    circuit._until = circuit._clock()
    world.core.deferred.wake()
