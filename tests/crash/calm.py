"""After the storm: until nothing is owed any more, asked of the gateway as an operator asks."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable

import aiohttp

from tests.crash.held import Verdict
from tests.crash.lives import LATEST
from tests.world import OPERATOR

__all__ = ["Calm"]

_UNSETTLED = (
    *("undelivered", "wrongly linked", "old data", "wishes not heeded", "records of nobody"),
    *("points on their way", "points lost", "points given twice", "points astray"),
)
_HOPELESS = 40.0
"""Seconds without anything owed, after which no pass over the systems will mend what is wrong."""
_WAITING = re.compile(r"^gateway_(?:events_waiting|intents_open)\S* (\S+)$", re.MULTILINE)


class Calm:
    """`url()` is where the gateway listens, `verdict()` the judge's as things stand.

    After `by_hand` seconds a person replays what still waits for an open circuit.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: Callable[[], str],
        verdict: Callable[[], Verdict],
        tell: Callable[[str], None],
        by_hand: float,
    ) -> None:
        self._session = session
        self._url = url
        self._verdict = verdict
        self._tell = tell
        self._by_hand = by_hand

    async def last(self, longest: float, fine_since: float) -> Verdict:
        """Bounded; no late request can come any more at its end."""
        began, waited, owed, handed = time.monotonic(), 0.0, Counter[str](), False
        moved = 0.0
        while waited < longest and waited - moved < _HOPELESS:
            await asyncio.sleep(0.5)
            waited = time.monotonic() - began
            owed = await self._owed()
            moved = waited if owed else moved
            if any(text.startswith("failed") for text in owed):
                await self._replay({"outcome": "failed"})
            elif not owed and self._is_over(fine_since):
                break
            elif waited > self._by_hand and not handed:
                self._tell(f"replayed by hand: {dict(owed)}")
                await self._replay({})
                handed = True
        self._tell(f"after {waited:.1f} seconds of fine weather these are owed: {dict(owed)}")
        verdict = self._verdict()
        for line in verdict.wrong[:20]:
            self._tell(f"  {line}")
        return verdict

    def _is_over(self, fine_since: float) -> bool:
        if time.monotonic() - fine_since < LATEST:
            return False
        counts = self._verdict().counts
        return not any(counts[kind] for kind in _UNSETTLED)

    async def _owed(self) -> Counter[str]:
        """What waits: deliveries (the newest 1000), webhooks, and intents."""
        query = {"outcome": "pending,retrying,failed,held", "limit": "1000"}
        async with self._session.get(
            f"{self._url()}/v1/deliveries", params=query, headers=OPERATOR
        ) as response:
            assert response.status == 200, await response.text()
            rows = (await response.json())["deliveries"]
        owed = Counter(f"{row['outcome']} {row['channel']} {row['error_class']}" for row in rows)
        async with self._session.get(f"{self._url()}/metrics") as response:
            waiting = _WAITING.findall(await response.text())
        owed["webhooks and intents"] = sum(int(float(each)) for each in waiting)
        return +owed

    async def _replay(self, chosen: dict[str, str]) -> None:
        path = f"{self._url()}/v1/deliveries/replay"
        async with self._session.post(path, json=chosen, headers=OPERATOR) as response:
            assert response.status == 202, await response.text()
