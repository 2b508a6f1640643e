"""Answers of upstream systems without sockets: aioresponses, made to fit aiohttp 3.14.

`ClientResponse` wants a `stream_writer` since 3.14, and aioresponses 0.7.9 does not give one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from unittest.mock import Mock

import aiohttp
import orjson
from aioresponses import aioresponses

from gateway.settings import Section
from gateway.wire import Wire

__all__ = ["Answers", "Request", "answers", "kept", "section", "wire"]

S = TypeVar("S", bound=Section)


class _Response(aiohttp.ClientResponse):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, stream_writer=Mock(output_size=0), **kwargs)


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it was sent; `json` is None where the body is none."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Answers:
    """What the upstreams say, in the order in which it was told; `sent` is what they were asked."""

    def __init__(self, mock: Any) -> None:
        self._mock = mock

    def say(
        self,
        method: str,
        url: Any,
        payload: Any = None,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        error: BaseException | None = None,
        repeat: bool = False,
    ) -> None:
        """`url` is a text without its query, or a compiled pattern."""
        self._mock.add(
            url,
            method,
            status=status,
            body=orjson.dumps(payload) if body is None else body,
            headers=headers,
            exception=error,
            repeat=repeat,
            response_class=_Response,
        )

    @property
    def sent(self) -> list[Request]:
        """By URL, each URL's in the order in which they were sent."""
        return [
            Request(
                method,
                str(url.update_query(call.kwargs.get("params") or {})),
                dict(call.kwargs.get("headers") or {}),
                call.kwargs.get("data") or b"",
            )
            for (method, url), calls in self._mock.requests.items()
            for call in calls
        ]


@contextmanager
def answers() -> Iterator[Answers]:
    with aioresponses() as mock:
        yield Answers(mock)


def wire(seconds: float = 1.0) -> Wire:
    return Wire(lambda: seconds)


def section(kind: type[S], **values: Any) -> S:
    """Settings as they are read from texts; what is not given has its default."""
    return kind(**values)


def kept(section: S) -> Callable[[], S]:
    """Settings that stay as they are."""
    return lambda: section
