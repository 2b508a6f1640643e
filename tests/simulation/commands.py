"""The commands of a person at the machine: the true client, the door's socket in memory.

A command outlives the gateway that it talks to, and asks the next one again.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar, cast

import aiohttp
import orjson
from yarl import URL

from gateway.app import Role
from gateway.cli.backfill import Filling
from gateway.cli.client import OWNER_GONE, Client
from gateway.errors import CommandRefused, Unreachable
from tests.simulation.process import Gateway, Reply
from tests.simulation.world import World

__all__ = ["End", "backfill", "carry_out", "for_a_person", "listed", "merge", "refresh", "unlink"]

T = TypeVar("T")

Listing = tuple[dict[tuple[int, int], tuple[set[str], int]], int]

_AGAIN = 0.2
_LOOKS = 300
"""So many virtual minutes and more no command waits for the file's owner."""
_FOR_A_PERSON = "A person must look at the points"


class End(NamedTuple):
    """The exit code and the last sentence."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class _Response:
    reply: Reply

    @property
    def status(self) -> int:
        return self.reply.status

    async def read(self) -> bytes:
        return self.reply.raw

    @property
    def content(self) -> AsyncIterator[bytes]:
        return self._lines()

    async def _lines(self) -> AsyncIterator[bytes]:
        """A line that the owner's end has cut in two was not heard."""
        for line in self.reply.raw.splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield line


class _Session:
    """In place of aiohttp's: one owner's socket."""

    def __init__(self, owner: Gateway) -> None:
        self._owner = owner

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> AbstractAsyncContextManager[_Response]:
        path = str(URL(url).update_query(dict(params or {})).relative())
        return self._answered(method, path, b"" if json is None else orjson.dumps(json))

    def post(self, url: str, *, json: Mapping[str, Any]) -> AbstractAsyncContextManager[_Response]:
        return self.request("POST", url, json=json)

    @asynccontextmanager
    async def _answered(self, method: str, path: str, raw: bytes) -> AsyncIterator[_Response]:
        headers = {"Content-Type": "application/json"}
        reply = await self._owner.ask(method, path, raw, headers, control=True)
        if reply.status == 0:
            raise aiohttp.ServerDisconnectedError
        yield _Response(reply)


async def with_owner(world: World, action: Callable[[Client], Awaitable[T]]) -> T:
    """Without `serve` the command is the owner, and ends with its work."""
    for _ in range(_LOOKS):
        alone = world.gateway is None
        owner = await world.start(Role.COMMAND) if alone else world.gateway
        assert owner is not None
        try:
            return await action(Client(cast(Any, _Session(owner))))
        except OWNER_GONE:
            await asyncio.sleep(_AGAIN)
        finally:
            if alone and world.gateway is owner:
                await world.stop()
    raise TimeoutError("no owner of the file lets a command come to its end")


async def told(world: World, words: str, action: Callable[[Client], Awaitable[End]]) -> End:
    """As `gateway.cli.main`: what is refused is 2, what cannot be reached is 1."""
    try:
        end = await with_owner(world, action)
    except CommandRefused as error:
        end = End(2, str(error))
    except Unreachable as error:
        end = End(1, str(error))
    world.say(f"{words}: exit {end.code} {end.text}")
    return end


async def carry_out(world: World, path: str, request: Mapping[str, Any]) -> End:
    async def go(client: Client) -> End:
        async for event in client.stream(path, dict(request)):
            if event["event"] == "end":
                return End(int(event["code"]), str(event["text"]))
        raise AssertionError("a stream without an end")

    return await told(world, f"{path} {dict(request)}", go)


# -- duplicates


async def unlink(world: World, customer: int, *, new_member: bool = True) -> End:
    asked = {"customer": customer, "new_member": new_member}
    return await carry_out(world, "/control/duplicates/unlink", asked)


async def merge(
    world: World, one: int, other: int, survivor: int | None = None, *, settled: bool = False
) -> End:
    """What is looked at first is what is agreed to, as on the command line."""
    request = {"one": one, "other": other, "survivor": survivor}
    found: dict[str, Any] = {}

    async def look(client: Client) -> End:
        found.update(await client.post("/control/duplicates/merge/look", dict(request)))
        return End(found["code"], found.get("text", ""))

    looked = await told(world, f"duplicates merge {one} {other} --dry-run", look)
    if looked.code:
        return looked
    agreed = request | {"survivor": found["survivor"], "points_settled": settled}
    return await carry_out(world, "/control/duplicates/merge", agreed)


def for_a_person(end: End) -> tuple[int, int] | None:
    """The survivor and the absorbed, where a person has to compare their points first."""
    named = re.search(r"`duplicates merge (\d+) (\d+) --points-settled`", end.text)
    return (int(named[2]), int(named[1])) if named and _FOR_A_PERSON in end.text else None


async def listed(world: World) -> Listing | None:
    """`duplicates list`, if the database can be read. Of each pair its reasons and points; and how
    many members are still to be looked at.
    """

    async def go(client: Client) -> dict[str, Any]:
        return await client.get("/control/duplicates", {"limit": "100"})

    try:
        said = await with_owner(world, go)
    except CommandRefused:
        return None
    pairs = {
        (row["members"][0], row["members"][1]): (
            {r["reason"] for r in row["reasons"]},
            row["score"],
        )
        for row in said["duplicates"]
    }
    world.say(f"duplicates list: {pairs}, {said['waiting']} still to be looked at")
    return pairs, said["waiting"]


async def refresh(world: World) -> End:
    async def go(client: Client) -> End:
        async for event in client.stream("/control/members/refresh", {}):
            if event["event"] == "end":
                return End(int(bool(event.get("error"))), str(event.get("error") or ""))
        raise AssertionError("a stream without an end")

    return await told(world, "members refresh", go)


# -- backfill


async def backfill(world: World, channel: str) -> End:
    filling = Filling({"channel": channel})

    async def go(client: Client) -> End:
        await filling.go(client)
        return End(filling.exit_code, f"{filling.error} {dict(filling.counts)}")

    return await told(world, f"backfill {channel}", go)
