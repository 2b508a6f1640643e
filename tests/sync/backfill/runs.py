"""People in the shop, and a run of backfill listened to from its beginning to its end."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.sandbox import (
    Customer,
    HubspotOptions,
    Sandbox,
    SandboxOptions,
    ShopifyOptions,
    SmaregiOptions,
)
from gateway.shopify import Created
from gateway.sync.backfill import BackfillOptions
from tests.e2e.evidence import started_quietly
from tests.world import World, a_world

__all__ = ["Heard", "a_shop", "backfill", "in_the_shop", "numbers"]

_UNLIMITED = SandboxOptions(
    shopify=ShopifyOptions(bucket=1e6, restore=1e5, search_lag=0.0),
    smaregi=SmaregiOptions(reads_per_second=None, writes_per_second=None),
    hubspot=HubspotOptions(per_ten_seconds=1_000_000),
)


@asynccontextmanager
async def a_shop(folder: Path, **settings: str) -> AsyncIterator[World]:
    """A gateway that retries nothing by itself, past its start; no upstream limits it."""
    own = {
        "GATEWAY_AUTO_REPLAY": "false",
        "SMAREGI_READS_PER_SECOND": "1000",
        "SMAREGI_WRITES_PER_SECOND": "1000",
    }
    async with a_world(folder, _UNLIMITED, **own, **settings) as world:
        await started_quietly(world)
        yield world


def in_the_shop(sandbox: Sandbox, count: int, **fields: Any) -> list[Customer]:
    """People who came before the gateway; `fields` of the first override theirs."""
    return [
        sandbox.shopify.add_customer(
            **{
                "email": f"early{number}@example.com",
                "lastName": "山田",
                "firstName": f"太郎{number}",
                **fields,
            }
        )
        for number in range(count)
    ]


def numbers(sandbox: Sandbox) -> list[int]:
    """Customers whom the CRM has, by id; one that it has twice is there twice."""
    return sorted(
        int(contact.properties["shopify_customer_id"])
        for contact in sandbox.hubspot.contacts.values()
    )


class Heard:
    """The events of one run. `counts` and `error` are those of its end, if it had one."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    @property
    def start(self) -> dict[str, Any]:
        return self.of("start")[0]

    @property
    def ended(self) -> bool:
        return bool(self.of("end"))

    @property
    def counts(self) -> dict[str, int]:
        (end,) = self.of("end")
        counts: dict[str, int] = end["counts"]
        return counts

    @property
    def error(self) -> str | None:
        (end,) = self.of("end")
        error: str | None = end["error"]
        return error

    @property
    def waited_for(self) -> Iterable[str]:
        return [event["message"] for event in self.of("waiting")]


async def backfill(
    world: World,
    channel: str = "crm",
    *,
    stop: asyncio.Event | None = None,
    since: float | None = None,
    until: float | None = None,
    **options: Any,
) -> Heard:
    """A run by the world's gateway; the customers' mail is asked for."""
    asked = BackfillOptions(channel, Created(since, until), yes_send_mail=True, **options)
    assert world.core.backfill.refusal(asked) is None
    heard = Heard()
    async for event in world.core.backfill.run(asked, stop):
        heard.events.append(event)
    return heard
