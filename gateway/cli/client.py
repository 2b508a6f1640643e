"""How a command talks to whoever owns its database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from gateway.errors import CommandRefused, Unreachable, plain_json
from gateway.http.owning import STARTING
from gateway.store import socket_path

__all__ = ["OWNER_GONE", "Client", "Elsewhere", "OwnerGone", "beside"]


class OwnerGone(Exception):  # noqa: N818 - not an error: the next owner is asked
    """Or it only begins: it is asked again."""


class Elsewhere(OwnerGone):
    """Another gateway answers at that address than the one that was meant."""


OWNER_GONE = (
    OwnerGone,
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,  # killed in the middle of an answer
    ConnectionError,
    FileNotFoundError,
)


class Client:
    """Talks to the owner of the database, over the socket beside its file or to its address.

    `answered`: whether the owner has answered anything yet. What it hears goes to a terminal, and
    some of it was said by upstreams: it is made plain here.
    """

    def __init__(self, session: aiohttp.ClientSession, base: str = "http://owner") -> None:
        self._session = session
        self._base = base
        self.answered = False

    async def get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        return await self._call("GET", path, params=params)

    async def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return await self._call("POST", path, json=body or {})

    async def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        async with self._session.request(method, f"{self._base}{path}", **options) as response:
            self.answered = True
            return await _body(response)

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Events until `end`; when the owner makes way, the next owner has to be asked."""
        async with self._session.post(f"{self._base}{path}", json=body) as response:
            self.answered = True
            if response.status >= 400:
                await _body(response)
            async for line in response.content:
                event: dict[str, Any] = plain_json(orjson.loads(line))
                if event["event"] == "yielded":
                    raise OwnerGone
                yield event
                if event["event"] == "end":
                    return
        raise OwnerGone


async def _body(response: aiohttp.ClientResponse) -> dict[str, Any]:
    body: dict[str, Any] = plain_json(orjson.loads(await response.read()))
    if body.get("type") in {STARTING, "standby"}:
        raise OwnerGone
    if response.status == 421:
        raise Elsewhere
    if response.status == 502:
        raise Unreachable(_explained(body))
    if response.status >= 400:
        raise CommandRefused(_explained(body))
    return body


def _explained(body: dict[str, Any]) -> str:
    details = [f"  {e['field']}: {e['message']}" for e in body.get("errors", [])]
    return "\n".join([str(body.get("detail", "refused")), *details])


@asynccontextmanager
async def beside(path: Path) -> AsyncIterator[Client]:
    """The owner of the file there."""
    connector = aiohttp.UnixConnector(str(socket_path(path)))
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield Client(session)
