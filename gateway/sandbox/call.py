"""What a stand-in is asked and what it answers, free of sockets: `Call` in, `StandInAnswer` out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import unquote

import orjson
from aiohttp.web import BaseRequest

Kind = Literal["read", "write", "token"]


class NotJsonError(Exception):
    """The body of a call is not a JSON object."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in. `segments` are the path's parts, each percent-decoded."""

    method: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    async def of(cls, request: BaseRequest) -> "Call":
        raw = request.rel_url.raw_path.strip("/")
        segments = tuple(unquote(part) for part in raw.split("/"))
        body = await request.read()
        return cls(request.method, segments, request.query, request.headers, body)

    @property
    def bearer(self) -> str:
        """The token of the Authorization header, or an empty string."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def json_object(self) -> dict[str, Any]:
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise NotJsonError from error
        if not isinstance(value, dict):
            raise NotJsonError
        return value


@dataclass(frozen=True, slots=True)
class Description:
    """What a call means to its system, known before it is applied.

    `labels` are the texts in which a fault's `match` is looked for: the call as sent, and its
    short form without the prefixes that say nothing (`POST /customers`, `customerCreate`). `names`
    are the parameters, columns and fields that it names, and none of their values.
    """

    operation: str
    kind: Kind
    labels: tuple[str, ...]
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StandInAnswer:
    """A system's answer. `applied` says that the call changed what the system holds."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    applied: bool = False
    target: str | None = None

    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


class Upstream(Protocol):
    """What an `Endpoint` needs of a stand-in; all of it synchronous, so that a call is atomic."""

    def describe(self, call: Call) -> Description: ...

    def answer(self, call: Call) -> StandInAnswer: ...

    def throttled(self, call: Call, retry_after: float | None) -> StandInAnswer: ...
