"""HTTP/1.1 with keep-alive, as little of it as clients of JSON APIs need."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, cast

import orjson

__all__ = ["Answers", "Behaviour", "Http", "Mode", "answer", "unforeseen"]

Mode = Literal["healthy", "hanging", "refusing"]
Answers = Callable[[str, str, bytes], bytes]
"""(method, path with query, body) -> a complete answer. Raises LookupError for what it has none."""

_REASONS = {200: "OK", 201: "Created", 404: "Not Found", 409: "Conflict", 503: "Unavailable"}


@dataclass(slots=True)
class Behaviour:
    """How a system answers. `delay`: seconds before each answer; `waited` is what they were in
    truth. `unforeseen`: requests for which there is no answer.
    """

    mode: Mode = "healthy"
    delay: float = 0.0
    waited: list[float] = field(default_factory=list)
    unforeseen: list[str] = field(default_factory=list)

    def later(self, write: Callable[[bytes], None], answered: bytes) -> None:
        """Writes the answer when it is due."""
        if not self.delay:
            write(answered)
            return
        loop = asyncio.get_running_loop()
        loop.call_later(self.delay, self._due, write, answered, loop.time())

    def _due(self, write: Callable[[bytes], None], answered: bytes, since: float) -> None:
        self.waited.append(asyncio.get_running_loop().time() - since)
        write(answered)


def answer(status: int, body: bytes, headers: str = "") -> bytes:
    """`headers`: further lines, each with its end."""
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        f"{headers}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


_REFUSED = answer(503, b'{"message":"unavailable"}')


def unforeseen(what: str) -> LookupError:
    return LookupError(what)


class Http(asyncio.Protocol):
    """One connection; the next request is read once the one before was answered."""

    def __init__(self, answers: Answers, behaviour: Behaviour) -> None:
        self._answers = answers
        self._behaviour = behaviour
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._one():
            pass

    def _one(self) -> bool:
        """Answers one request; False if none is complete yet."""
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return False
        size = _length(head)
        if len(rest) < size:
            return False
        self._received = rest[size:]
        self._respond(head, rest[:size])
        return True

    def _respond(self, head: bytes, body: bytes) -> None:
        if self._behaviour.mode == "hanging":
            return
        method, path, _ = head[: head.index(b"\r\n")].decode().split(" ")
        if self._behaviour.mode == "refusing":
            self._later(_REFUSED)
            return
        try:
            self._later(self._answers(method, path, body))
        except LookupError as error:
            self._behaviour.unforeseen.append(f"{method} {path.partition('?')[0]}: {error}")
            self._later(answer(404, orjson.dumps({"message": "no answer for this"})))

    def _later(self, answered: bytes) -> None:
        self._behaviour.later(self._write, answered)

    def _write(self, answered: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answered)


def _length(head: bytes) -> int:
    lower = head.lower()
    assert b"transfer-encoding:" not in lower, "these stand-ins read no chunks"
    _, named, rest = lower.partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if named else 0
