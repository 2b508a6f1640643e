"""One change of a member's points at a time: the result of each must be known before the next."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

__all__ = ["MemberTurns"]


class MemberTurns:
    def __init__(self) -> None:
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._holders: defaultdict[int, int] = defaultdict(int)

    @asynccontextmanager
    async def of(self, *member_ids: int) -> AsyncIterator[None]:
        """Alone with these members, who are taken in the order of their ids."""
        async with AsyncExitStack() as stack:
            for member_id in sorted(set(member_ids)):
                self._holders[member_id] += 1
                stack.callback(self._leave, member_id)
                await stack.enter_async_context(self._locks[member_id])
            yield

    def _leave(self, member_id: int) -> None:
        self._holders[member_id] -= 1
        if not self._holders[member_id]:
            del self._holders[member_id], self._locks[member_id]
