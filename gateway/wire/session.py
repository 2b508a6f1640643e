"""One aiohttp session for every upstream, and the one place where its exceptions are translated.

Each request declares itself a read or a write, and what may not be written stops at the edge
(`gateway.wire.edge`); a request that declares nothing cannot be built. Reads are repeated once
inside the deadline (aiohttp-retry); writes never are: the outbox repeats them, after looking.
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from email.utils import parsedate_to_datetime
from typing import Any, Self

import aiohttp
import orjson
from aiohttp_retry import RetryClient

from gateway import frozen
from gateway.errors import Cause, ErrorClass, UpstreamError
from gateway.wire.causes import cause_of
from gateway.wire.edge import Access, Edge
from gateway.wire.reasons import reason_of, values_in
from gateway.wire.repeats import READ_AGAIN
from gateway.wire.time_limit import TimeLimit

__all__ = ["Call", "UpstreamAnswer", "Wire"]

MAX_BODY = 32 * 1024 * 1024
"""Bytes of an answer that we are willing to read: 1 000 Smaregi members are under 2 MiB."""


_CERTAIN = frozenset({401, 402, 403, 404, 422, 429})
"""Answers to a write after which certainly nothing was written. Any other may come from a proxy
that gave up waiting (408, 499), or be about something that exists already (409, 423, 425): then we
look for it."""


@frozen
class Call:
    """One request. `operation` names it in errors and metrics, without ids or data.

    `introduces`: a token, or the question who answers; it is sent before that is known.
    """

    system: str
    operation: str
    access: Access
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] | None = None
    body: bytes | None = None
    timeout: float | None = None
    introduces: bool = False


@frozen
class UpstreamAnswer:
    """A complete answer, whatever its status."""

    call: Call
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The parsed body; an `unexpected` UpstreamError for anything that is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise self.error(ErrorClass.UNEXPECTED, "the answer is not JSON") from None

    def error(
        self, error_class: ErrorClass | None = None, detail: str = "", told: str = ""
    ) -> UpstreamError:
        """The answer as an error; the class follows from the status unless it is given. `told`: the
        upstream's own words; what this call sent is taken out of them.
        """
        found, sent = error_class or class_of_status(self.status), self.call
        return UpstreamError(
            sent.system,
            self.call.operation,
            found,
            detail or f"HTTP {self.status}",
            status=self.status,
            retry_after=retry_after(self.headers),
            applied=False if self._did_nothing() else None,
            reason=reason_of(told, values_in(sent.url, sent.params, sent.body)) if told else None,
        )

    def _did_nothing(self) -> bool:
        return self.call.access is Access.READ or self.status in _CERTAIN


def class_of_status(status: int) -> ErrorClass:
    """The class by the status alone; an adapter that knows more passes its own."""
    match status:
        case 401 | 403:
            return ErrorClass.AUTH
        case 408:
            return ErrorClass.TIMEOUT
        case 409:
            return ErrorClass.DUPLICATE
        case 429 | 430:
            return ErrorClass.RATE_LIMIT
        case 423 | 425 | 499:
            return ErrorClass.UNAVAILABLE
        case _ if status >= 500:
            return ErrorClass.UNAVAILABLE
        case _ if 400 <= status < 500:
            return ErrorClass.INVALID_DATA
        case _:
            return ErrorClass.UNEXPECTED


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a `Retry-After` header, in either of its forms (RFC 9110, 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return math.nan


_TROUBLE = (UpstreamError, TimeoutError, aiohttp.ClientError, OSError, ValueError)
"""What a call may end in; `_trouble` has our words for each."""

Observer = Callable[[Call, str, float], None]
"""Told of each request: the call, its result (a status or an error class), its seconds."""


Admit = Callable[[Call], Awaitable[None] | None]
"""Asked before each call: None lets it pass at once. Raises, or the awaitable does, to stop it."""


class Wire:
    """Sends calls. `timeout()` is asked at each call, so that a reload takes effect at once.
    `trusted` as of `Edge`.
    """

    def __init__(
        self,
        timeout: Callable[[], float],
        observe: Observer | None = None,
        admit: Admit | None = None,
        trusted: Callable[[], bool] | None = None,
    ) -> None:
        self.edge = Edge(trusted)
        self._timeout = timeout
        self._admit = admit
        self._observe = observe or (lambda call, result, seconds: None)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=200, limit_per_host=100, ttl_dns_cache=60)
        self._session = self._writes = _session(connector, aiohttp.ClientRequest)
        if self.edge.is_watched:
            self._writes = _session(connector, self.edge.request_class())
        self._reader = RetryClient(self._session, retry_options=READ_AGAIN)
        return self

    async def __aexit__(self, *_: object) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
            await self._writes.close()

    async def send(self, call: Call) -> UpstreamAnswer:
        """The answer, whatever its status; UpstreamError when there is none that is complete."""
        if call.access is not Access.READ:
            self.edge.admit(call.access, f"{call.method} {call.operation}")
        limit = self._timeout()
        if call.timeout is not None and call.timeout < limit:
            limit = call.timeout
        if self._admit is not None and (asking := self._admit(call)) is not None:
            await self._admitted(call, asking, limit)
        began = time.perf_counter()
        result = "cancelled"
        try:
            with TimeLimit(limit):
                answer = await self._request(call)
            result = str(answer.status)
        except _TROUBLE as error:
            trouble = _trouble(call, error, limit)
            result = trouble.error_class.value
            raise trouble from None
        else:
            return answer
        finally:
            self._observe(call, result, time.perf_counter() - began)

    async def _admitted(self, call: Call, asking: Awaitable[None], limit: float) -> None:
        try:
            with TimeLimit(limit):
                await asking
        except TimeoutError:
            text = f"no answer within {limit:g} s, so who answers there is not known"
            raise _broken(call, ErrorClass.TIMEOUT, text, applied=False) from None

    async def _request(self, call: Call) -> UpstreamAnswer:
        if self._session is None:
            raise _broken(call, ErrorClass.CONNECTION, "the gateway is stopping", applied=False)
        client = self._reader if call.access is Access.READ else self._writes
        try:
            response = await client.request(
                call.method,
                call.url,
                headers=call.headers,
                params=call.params,
                data=call.body,
                allow_redirects=False,
            )
        except RuntimeError:  # aiohttp's, of a read that would be sent again
            if self._session is not None:
                raise
            raise _broken(call, ErrorClass.CONNECTION, "the gateway is stopping") from None
        try:
            content = response.content  # read to its end, which gives the connection back
            body = await content.readany()
            if len(body) > MAX_BODY or not content.at_eof():
                body = await _whole(call, content, body)
        except BaseException:
            response.close()
            raise
        return UpstreamAnswer(call, response.status, response.headers, body)


def _session(
    connector: aiohttp.TCPConnector, request_class: type[aiohttp.ClientRequest]
) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        request_class=request_class,
    )
    # aiohttp would silently repeat a GET over a dropped connection, past our rates and counts.
    session._retry_connection = False  # noqa: SLF001
    return session


async def _whole(call: Call, content: aiohttp.StreamReader, first: bytes) -> bytes:
    parts, size = [first], len(first)
    while size <= MAX_BODY and not content.at_eof():
        parts.append(await content.readany())
        size += len(parts[-1])
    if size > MAX_BODY:
        raise _broken(call, ErrorClass.UNEXPECTED, "the answer is too large")
    return b"".join(parts)


def _trouble(call: Call, error: BaseException, limit: float) -> UpstreamError:
    """What a call that was under way ended in, in our words."""
    match error:
        case UpstreamError():
            return error
        case TimeoutError():
            return _broken(call, ErrorClass.TIMEOUT, f"no answer within {limit:g} s")
        case aiohttp.ClientConnectorError():
            return _unconnected(call, error)
        case aiohttp.ClientConnectionError() | OSError():
            return _broken(call, ErrorClass.CONNECTION, "the connection was cut")
        case aiohttp.ClientPayloadError():
            return _broken(call, ErrorClass.CONNECTION, "the answer was cut off")
    reason = f"the answer cannot be understood ({type(error).__name__})"
    cause, text = cause_of(error) or (None, reason)
    return _broken(call, ErrorClass.UNEXPECTED, text, cause=cause)


def _unconnected(call: Call, error: aiohttp.ClientConnectorError) -> UpstreamError:
    cause, why = cause_of(error) or (None, "")
    text = f"cannot connect: {why}" if why else "cannot connect"
    return _broken(call, ErrorClass.CONNECTION, text, applied=False, cause=cause)


def _broken(
    call: Call,
    error_class: ErrorClass,
    message: str,
    *,
    applied: bool | None = None,
    cause: Cause | None = None,
) -> UpstreamError:
    if call.access is Access.READ:
        applied = False
    return UpstreamError(
        call.system, call.operation, error_class, message, applied=applied, cause=cause
    )
