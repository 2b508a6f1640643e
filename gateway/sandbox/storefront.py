"""The page's own storefront: it registers at the gateway beside the sandbox, and looks again."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
from yarl import URL

_REGISTER_SECONDS = 60.0
_LOOK_SECONDS = 5.0


class Unanswered(Exception):  # noqa: N818 - said to the page, with the status
    """There is no gateway, or none that answers; `status` is the page's."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class Storefront:
    """`url` is the gateway's, None while there is none; `key` gives one that it knows, if any.

    The key is asked for at each call: a gateway may get one while the sandbox runs.
    """

    def __init__(self, url: str | None, key: Callable[[], str | None]) -> None:
        self.url = url
        self.console: str | None = None  # the gateway's pages for operators
        self.key = key
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def register(self, body: bytes) -> dict[str, Any]:
        """`status`, `milliseconds`, `retry_after` (seconds as it came, or None) and `body`."""
        return await self._post("v1/registrations", body)

    async def reserve(self, customer_id: int, points: Any) -> dict[str, Any]:
        """As `register`, of points that this customer wants to spend."""
        path = f"v1/customers/{customer_id}/points/reservations"
        return await self._post(path, orjson.dumps({"points": points}))

    async def _post(self, path: str, body: bytes) -> dict[str, Any]:
        began = time.perf_counter()
        status, headers, answer = await self._ask("POST", path, _REGISTER_SECONDS, body)
        milliseconds = round((time.perf_counter() - began) * 1000)
        after = headers.get("Retry-After")
        return {
            "status": status,
            "milliseconds": milliseconds,
            "retry_after": after,
            "body": answer,
        }

    async def registrations(self, ids: list[str]) -> list[dict[str, Any]]:
        """Each as it stands now, in the order of `ids`; those that the gateway does not know out.

        Unanswered also where it refuses to tell.
        """
        looks = (self._ask("GET", f"v1/registrations/{each}", _LOOK_SECONDS) for each in ids)
        answers = await asyncio.gather(*looks)
        for status, _, _ in answers:
            if status not in {200, 404}:
                raise Unanswered(f"the gateway answers {status}", status)
        return [body for status, _, body in answers if status == 200]

    async def _ask(
        self, method: str, path: str, seconds: float, data: bytes | None = None
    ) -> tuple[int, Any, Any]:
        if self.url is None or self._session is None:
            raise Unanswered("no gateway is connected to this sandbox", 409)
        headers = {"Content-Type": "application/json"}
        if (key := self.key()) is not None:
            headers["Authorization"] = f"Bearer {key}"
        address, limit = URL(self.url) / path, aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._session.request(
                method, address, data=data, headers=headers, timeout=limit
            ) as answer:
                return answer.status, answer.headers, _parsed(await answer.text())
        except (aiohttp.ClientError, TimeoutError) as error:
            text = f"the gateway at {self.url} does not answer ({type(error).__name__})"
            raise Unanswered(text, 502) from None


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
