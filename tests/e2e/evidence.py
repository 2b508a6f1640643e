"""What the tests of failure judge by: the stand-ins' journal, our tables, and what is personal."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Self, cast

from aiohttp import web

from gateway.channels.smaregi import Smaregi
from gateway.sandbox import JournalEntry
from tests.world import Reply, World

__all__ = [
    "CHANNELS",
    "IMPATIENT",
    "QUICK",
    "AlertBox",
    "armed",
    "assert_problem",
    "everything_arrived_once",
    "fields_of",
    "personal_data_in",
    "rows_in",
    "started_quietly",
    "told",
]

CHANNELS = ("smaregi", "crm", "email")

QUICK = {
    "GATEWAY_UPSTREAM_TIMEOUT": "10",
    "GATEWAY_RESPONSE_DEADLINE": "30",
    "GATEWAY_AUTO_REPLAY": "false",
}
"""No retries by itself, and nothing that works is given up because the machine is busy."""
IMPATIENT = {**QUICK, "GATEWAY_UPSTREAM_TIMEOUT": "0.8", "GATEWAY_RESPONSE_DEADLINE": "2.5"}
"""Where something hangs for ever: it holds a test up for no longer."""

PERSONAL = (
    "example.com",
    "taro",
    "山田",
    "太郎",
    "ヤマダ",
    "タロウ",
    "090-1",
    "+8190",
    "901234",
    "1990-04-01",
    "150-0043",
    "道玄坂",
    "ABCビル",
)


def personal_data_in(text: str) -> list[str]:
    """The traces of TARO, or of a registration made from him, that a text holds."""
    return [trace for trace in PERSONAL if trace in text]


async def started_quietly(world: World) -> None:
    """Until start-up's own requests are done; from here on the journal holds the test's alone."""
    smaregi = cast(Smaregi, world.core.deliverer.routes["smaregi"].channel)
    index, required = smaregi.index, smaregi.required
    await world.until(lambda: world.core.shopify._defined and index.ready and required.known)
    world.sandbox.journal.clear()


def told(world: World) -> list[JournalEntry]:
    """Every request that would change something in a channel, whether it was carried out or not."""
    return [entry for channel in CHANNELS for entry in world.sandbox.journal.writes(channel)]


async def rows_in(world: World, table: str) -> int:
    def count(db: Any) -> int:
        number: int = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return number

    return await world.core.db.read(count)


def armed(world: World, system: str) -> list[Any]:
    """How many requests each fault of a system still meets."""
    return [fault["left"] for fault in world.sandbox.faults.listing()[system]]


def fields_of(reply: Reply) -> list[str]:
    return [error["field"] for error in reply.body["errors"]]


def assert_problem(reply: Reply, status: int, kind: str | None = None) -> None:
    """RFC 9457, and the id of the request beside it."""
    assert reply.status == status, reply.raw
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.body["status"] == status
    assert {"type", "title", "status", "detail"} <= reply.body.keys()
    assert reply.headers["X-Request-Id"]
    if kind is not None:
        assert reply.body["type"].rpartition("/")[2] == kind


def everything_arrived_once(world: World) -> bool:
    """One customer everywhere, and mail under one Message-ID."""
    sandbox = world.sandbox
    sizes = [len(sandbox.shopify.customers), len(sandbox.smaregi.members)]
    sizes += [len(sandbox.hubspot.contacts), len({m.message_id for m in sandbox.mail.messages})]
    return sizes == [1, 1, 1, 1]


class AlertBox:
    """Where administrators are told: a Slack-style webhook."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.url = ""

    async def _take(self, request: web.Request) -> web.Response:
        self.texts.append((await request.json())["text"])
        return web.Response(text="ok")

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        box = cls()
        app = web.Application()
        app.router.add_post("/alerts", box._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            box.url = f"http://127.0.0.1:{runner.addresses[0][1]}/alerts"
            yield box
        finally:
            await runner.cleanup()

    def about(self, *words: str) -> list[str]:
        return [text for text in self.texts if all(word in text for word in words)]

    def personal(self) -> Iterable[str]:
        return [trace for text in self.texts for trace in personal_data_in(text)]
