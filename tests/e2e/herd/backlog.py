"""A backlog in the outbox of a stopped gateway, and what draining it cost.

The stand-ins' journal and counters are the judge, not our tables.
"""

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.outcomes import Kind, NewDelivery, Outcome
from gateway.sandbox import Sandbox
from gateway.store import outbox
from tests.world import World

__all__ = [
    "Latencies",
    "customers_in_shopify",
    "first_write",
    "last_write",
    "put_aside",
    "refusals",
]


def customers_in_shopify(sandbox: Sandbox, count: int) -> list[int]:
    """People who are in the shop, and whom no channel has yet; their ids."""
    return [
        sandbox.shopify.add_customer(
            email=f"herd{number}@example.com", lastName="山田", firstName=f"太郎{number}"
        ).id
        for number in range(count)
    ]


def put_aside(database: Path, channel: str, customer_ids: Iterable[int]) -> None:
    """Owe these customers to a channel, as a gateway did that has stopped since."""
    owed = [NewDelivery(channel, Kind.REGISTRATION, Outcome.PENDING)]
    db = sqlite3.connect(database)
    db.row_factory = sqlite3.Row
    try:
        with db:
            for customer_id in customer_ids:
                outbox.add(db, customer_id, None, owed, time.time())
    finally:
        db.close()


def _applied_at(sandbox: Sandbox, channel: str) -> list[float]:
    return [entry.time for entry in sandbox.journal.applied(channel)]


def refusals(sandbox: Sandbox) -> list[float]:
    """Points of each call that Shopify throttles from now on, as they come."""
    refused: list[float] = []
    admit = sandbox.shopify.bucket.admit

    def watched(points: float) -> bool:
        admitted = admit(points)
        if not admitted:
            refused.append(points)
        return admitted

    sandbox.shopify.bucket.admit = watched  # type: ignore[method-assign]
    return refused


def first_write(sandbox: Sandbox, channel: str) -> float:
    """When the channel took the first customer, in Unix seconds."""
    return min(_applied_at(sandbox, channel))


def last_write(sandbox: Sandbox, channel: str) -> float:
    return max(_applied_at(sandbox, channel))


@dataclass(slots=True)
class Latencies:
    """Seconds from a registration's request to its answer."""

    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return f"median {self.median:.3f} s, p90 {self.p90:.3f} s"

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p90(self) -> float:
        return statistics.quantiles(self.seconds, n=10)[-1]

    async def measure(self, world: World, numbers: Iterable[int], pause: float) -> None:
        """One registration a number, `pause` seconds apart; every one of them complete."""
        for number in numbers:
            began = time.perf_counter()
            reply = await world.register(number=number)
            self.seconds.append(time.perf_counter() - began)
            assert reply.status == 201, reply.body
            assert reply.body["status"] == "complete", reply.body
            await asyncio.sleep(pause)
