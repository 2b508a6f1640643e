"""Smaregi's `pos:customers`: a hint that members changed, taken into the index at once."""

from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.errors import NotReadyError
from gateway.events.worker import Job
from gateway.store.events import Event

__all__ = ["Members"]


class Index(Protocol):
    """The store's members as the gateway knows them."""

    async def members_changed(self, deleted: Sequence[int]) -> None: ...


class Members:
    """`in_use()` is false where Smaregi's flag is off: then there is no index to keep."""

    rest = 1.0

    def __init__(self, index: Index, in_use: Callable[[], bool]) -> None:
        self._index = index
        self._in_use = in_use

    async def jobs(self, found: Sequence[Event]) -> Sequence[Sequence[Job]]:
        """All that waits is one refresh."""

        async def refresh() -> None:
            if not self._in_use():
                return
            deleted = {i for event in found if "deleted" in event.topic for i in event.members}
            try:
                await self._index.members_changed(sorted(deleted))
            except NotReadyError:
                return  # the scan that runs reads them anyway

        return [[Job(found, refresh)]]
