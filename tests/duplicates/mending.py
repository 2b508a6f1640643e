"""Commands of a person, as their end is told; and the store that they mend."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from gateway.store import links
from tests.world import Reply, World

__all__ = ["Told", "customer_of", "link_of", "member", "store_member", "told"]


@dataclass(frozen=True, slots=True)
class Told:
    """The exit code, the last sentence and the steps before; code None: stopped on its way."""

    code: int | None
    text: str
    steps: tuple[str, ...]


async def told(events: AsyncIterator[dict[str, Any]]) -> Told:
    steps: list[str] = []
    async for event in events:
        if event["event"] == "end":
            return Told(event["code"], event["text"], tuple(steps))
        steps.append(event["text"])
    return Told(None, "", tuple(steps))


def store_member(world: World, **fields: str) -> int:
    """A member made at the till, with TARO's e-mail unless told otherwise."""
    given = {
        "customerCode": "0012",
        "lastName": "山田",
        "firstName": "太郎",
        "mailAddress": "taro@example.com",
    }
    return world.sandbox.smaregi.add(**(given | fields))


def member(world: World, member_id: int) -> dict[str, Any]:
    return dict(world.sandbox.smaregi.members[member_id])


def customer_of(reply: Reply) -> int:
    assert reply.status == 201, reply.body
    return int(reply.body["shopify_customer_id"].rpartition("/")[2])


async def link_of(world: World, customer_id: int) -> Any:
    return await world.core.db.read(lambda db: links.get(db, "smaregi", customer_id))
