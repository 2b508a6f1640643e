"""Smaregi's `pos:customers`: says that members changed; the index is updated at once."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from gateway.delivery import Live
from gateway.errors import NotReadyError
from gateway.store.events import Event
from gateway.sync.webhooks.worker import Job

__all__ = ["MemberEvents"]


class Index(Protocol):
    """The store's members as the gateway knows them."""

    async def members_changed(self, deleted: Sequence[int]) -> None: ...


class PosFollower(Protocol):
    """Takes over what members were changed to."""

    async def members_changed(self, member_ids: Iterable[int]) -> None: ...


class MemberEvents:
    """Where Smaregi's flag is off there is no index to keep."""

    rest = 1.0

    def __init__(self, index: Index, pos_changes: PosFollower, live: Live) -> None:
        self._index = index
        self._pos_changes = pos_changes
        self._live = live

    async def jobs(self, found: Sequence[Event]) -> Sequence[Sequence[Job]]:
        """All waiting events together need one refresh, and one look at each member."""

        async def refresh() -> None:
            if not self._live.policy.uses("smaregi"):
                return
            deleted = {i for event in found if "deleted" in event.topic for i in event.members}
            with suppress(NotReadyError):  # the running scan reads them anyway
                await self._index.members_changed(sorted(deleted))
            await self._pos_changes.members_changed({i for event in found for i in event.members})

        return [[Job(found, refresh)]]
