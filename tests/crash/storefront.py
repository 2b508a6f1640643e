"""The load: sign-ups as a storefront sends them, and sends again until it hears of success."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import aiohttp
import orjson

from tests.crash.people import Person

__all__ = ["Storefront", "Told"]

_AGAIN = {409, 429, 503}
_LONGEST_WAIT = 2.0


@dataclass(slots=True)
class Told:
    """What a person was told: the bodies of the 201 answers, and refusals that end the matter.

    `overtaken`: their first data had been answered 201, which was lost on its way, so that a full
    disk's 503 to the repetition had them send other data: these are refused, they are registered.
    """

    answers: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    corrected: bool = False
    overtaken: bool = False

    @property
    def customers(self) -> set[str]:
        return {answer["shopify_customer_id"] for answer in self.answers}


class Storefront:
    """`url()` is asked for each request. `told` is by a person's number; `comes(person)` is called
    before they begin, `goes(person)` when they have ended.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: Callable[[], str], dice: Random
    ) -> None:
        self._session = session
        self._url = url
        self._dice = dice
        self.told: dict[int, Told] = {}
        self.counts: Counter[str] = Counter()
        self.done = 0
        self.comes: Callable[[Person], None] = lambda _person: None
        self.goes: Callable[[Person], None] = lambda _person: None

    async def serve(
        self, everybody: Sequence[Person], concurrency: int, seconds: float = 0.0
    ) -> None:
        """All of them, so many at a time at most, coming over so many seconds; `done` counts those
        who have ended.
        """
        waiting, began = iter(enumerate(everybody)), time.monotonic()

        async def counter() -> None:
            for number, person in waiting:
                due = began + seconds * number / len(everybody)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self.comes(person)
                await self.visit(person, person.patience)
                self.done += 1
                self.goes(person)

        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(counter())

    async def visit(self, person: Person, patience: int) -> Told:
        told = self.told.setdefault(person.number, Told())
        tabs = (self._tab(person, told, f"{tab}", patience) for tab in range(person.tabs))
        await asyncio.gather(*tabs)
        return told

    async def return_to(self, person: Person) -> None:
        """Somebody who was deleted signs up again; what they were told before counts no more."""
        told = self.told[person.number] = Told()
        await self._tab(replace(person, keyed=False, later=False, hurry=None), told, "again", 200)

    async def change(self, person: Person, customer_id: int, changes: dict[str, Any]) -> bool:
        """A change of a profile, until it is confirmed; whether no earlier try is in doubt."""
        told, unclear = self.told[person.number], False
        for attempt in range(600):
            status, raw = await self.call("PATCH", f"/v1/customers/{customer_id}", json=changes)
            self.counts[f"PATCH {status or 'no answer'}"] += 1
            if status == 200:
                return not unclear
            unclear = True
            if status not in _AGAIN | {0}:
                break
            await self._pause(attempt)
        told.refused.append(f"a change: {status} {raw.decode()}")
        return False

    async def is_with(self, channel: str, person: Person) -> bool:
        """Whether a channel is known to have somebody who was answered 201."""
        path = f"/v1/registrations/{self.told[person.number].answers[-1]['id']}"
        status, raw = await self.call("GET", path)
        shown = orjson.loads(raw).get("channels", {}) if status == 200 else {}
        return bool(shown.get(channel, {}).get("outcome") == "delivered")

    async def _tab(self, person: Person, told: Told, tab: str, patience: int) -> None:
        headers = {"Idempotency-Key": f"{person.number}-{tab}"} if person.keyed else {}
        if person.later and tab == "0":
            headers["Prefer"] = "respond-async"
        for attempt in range(patience):
            body = person.corrected if told.corrected else person.body
            hurry = person.hurry if attempt < 2 else None
            status, raw = await self._post(body, headers, hurry or 5.0)
            self.counts[str(status or "no answer")] += 1
            if status == 201:
                told.answers.append(orjson.loads(raw))
                if person.asks_again:
                    await self._ask_again(person, told, body, headers, raw)
                return
            if status == 202:
                await self._follow(person, told, body, headers, orjson.loads(raw)["id"])
                return
            if b"already-registered" in raw and told.corrected:
                told.overtaken = True
                return
            if status not in _AGAIN | {0} or b"already-registered" in raw:
                told.refused.append(f"{status} {raw.decode()}")
                return
            if status == 503 and person.corrects:
                told.corrected = True
            await self._pause(attempt)

    async def _follow(
        self, person: Person, told: Told, body: Any, headers: dict[str, str], identity: str
    ) -> None:
        """What was answered 202 ends, however often the gateway dies meanwhile."""
        for attempt in range(3000):
            status, raw = await self.call("GET", f"/v1/registrations/{identity}")
            shown = orjson.loads(raw) if status == 200 else {}
            if status in {404, 500} or shown.get("status") == "rejected":
                told.refused.append(f"after the 202: {status} {raw.decode()}")
                return
            if shown and shown["status"] != "accepted":
                told.answers.append(shown)
                if person.asks_again:
                    await self._ask_again(person, told, body, headers, None)
                return
            await self._pause(attempt)
        told.refused.append("after the 202: nothing came of it")

    async def _ask_again(
        self, person: Person, told: Told, body: Any, headers: dict[str, str], raw: bytes | None
    ) -> None:
        """A promise is kept: with a key byte for byte `raw`, without one the same registration."""
        for attempt in range(60):
            status, again = await self._post(body, headers, 5.0)
            if status == 201:
                told.answers.append(orjson.loads(again))
                if "Idempotency-Key" in headers and raw is not None and again != raw:
                    told.refused.append("the key's answer is another one")
                return
            if status not in _AGAIN | {0} or b"already-registered" in again:
                told.refused.append(f"after the 201: {status} {again.decode()}")
                return
            await self._pause(attempt)

    async def _pause(self, attempt: int) -> None:
        longest = min(_LONGEST_WAIT, 0.2 * 1.4**attempt)
        await asyncio.sleep(self._dice.uniform(0.05, longest))

    async def _post(self, body: Any, headers: dict[str, str], seconds: float) -> tuple[int, bytes]:
        return await self.call("POST", "/v1/registrations", seconds, json=body, headers=headers)

    async def call(
        self, method: str, path: str, seconds: float = 5.0, **options: Any
    ) -> tuple[int, bytes]:
        """Status and body; status 0 where nothing was answered."""
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.request(method, self._url() + path, **options) as response,
            ):
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, b""
