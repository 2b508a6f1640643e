"""One at a time with a channel's record of a customer."""

import asyncio
from collections import deque

__all__ = ["Turn", "Turns"]

Turns = dict[tuple[str, int], deque["asyncio.Future[None]"]]
"""Those who wait, by channel and customer id, while somebody has the turn."""


class Turn:
    """`async with` it: alone with the record, in the order in which they came. Of one that nobody
    has or waits for, nothing is kept.
    """

    __slots__ = ("_turns", "_whom")

    def __init__(self, turns: Turns, channel: str, customer_id: int) -> None:
        self._turns = turns
        self._whom = (channel, customer_id)

    async def __aenter__(self) -> None:
        if (waiting := self._turns.get(self._whom)) is None:
            self._turns[self._whom] = deque()
            return
        its = asyncio.get_running_loop().create_future()
        waiting.append(its)
        try:
            await its
        except asyncio.CancelledError:
            if its.done() and not its.cancelled():
                await self.__aexit__()  # it had come just now
            raise

    async def __aexit__(self, *_: object) -> None:
        waiting = self._turns[self._whom]
        while waiting:
            if not (its := waiting.popleft()).done():
                its.set_result(None)
                return
        del self._turns[self._whom]
