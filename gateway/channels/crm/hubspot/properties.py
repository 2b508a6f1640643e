"""The contact properties of ours: which of them the account has, and making those that it lacks."""

import asyncio
import logging
import time
from collections.abc import Collection

from gateway.channels.crm.hubspot.client import HubSpotClient
from gateway.channels.crm.hubspot.mapping import OUR_PROPERTIES, OWNER
from gateway.channels.crm.hubspot.responses import properties, trouble
from gateway.errors import ErrorClass
from gateway.wire import UpstreamAnswer, dry_run

__all__ = ["NOT_UNIQUE", "Properties"]

log = logging.getLogger(__name__)

_COMPLETE_FOR, _INCOMPLETE_FOR, _DOUBTED_AFTER = 86400.0, 300.0, 60.0
_REFUSED = frozenset({400, 404, 422})
NOT_UNIQUE = (
    f"the property {OWNER} exists and is not unique, so contacts are found by their e-mail alone. "
    "HubSpot cannot make it unique later: delete it there, and the gateway makes it anew, with "
    "unique values (contacts that are linked already stay so)"
)


class Properties:
    """`absent`: those that the account is known to lack. `looked_at`: monotonic seconds."""

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client
        self._known: dict[str, bool] | None = None
        self._preparing = asyncio.Lock()
        self._again_at = 0.0
        self.looked_at = -_DOUBTED_AFTER

    @property
    def absent(self) -> Collection[str]:
        return () if self._known is None else OUR_PROPERTIES.keys() - self._known.keys()

    async def known(self) -> dict[str, bool]:
        """Ours among the account's, and whether each is unique; what is missing is made if the
        token may.
        """
        if self._known is not None and time.monotonic() < self._again_at:
            return self._known
        async with self._preparing:
            if dry_run.get():
                return await self._prepare()
            if self._known is None or time.monotonic() >= self._again_at:
                self._known = await self._prepare()
                lasts = _INCOMPLETE_FOR if self.absent else _COMPLETE_FOR
                self.looked_at = time.monotonic()
                self._again_at = self.looked_at + lasts
            return self._known

    def doubt(self, seen: float) -> bool:
        """HubSpot lacks one after all: somebody archived it. They are looked at again, at most once
        a minute. Whether there is, or will be, a newer look than the one at `seen`.
        """
        if self.looked_at != seen:
            return True
        if time.monotonic() < seen + _DOUBTED_AFTER:
            return False
        self._again_at = time.monotonic()
        return True

    async def _prepare(self) -> dict[str, bool]:
        answer = await self._client.properties()
        error = trouble(answer)
        if error is not None and answer.status != 403:
            raise error
        existing = properties(answer) if answer.status == 200 else {}
        known = {name: unique for name, unique in existing.items() if name in OUR_PROPERTIES}
        if dry_run.get():
            return known
        for name in OUR_PROPERTIES.keys() - known.keys():
            if await self._make(name):
                known[name] = True
        self._warn(known)
        return known

    def _warn(self, known: dict[str, bool]) -> None:
        lost = sorted(OUR_PROPERTIES.keys() - known.keys())
        if lost:
            log.warning(
                "HubSpot lacks the contact properties %s and the token may not make them: they "
                "are left out. Make them by hand, or grant crm.schemas.contacts.write",
                ", ".join(lost),
            )
        if known.get(OWNER) is False:
            log.warning("HubSpot: %s", NOT_UNIQUE)

    async def _make(self, name: str) -> bool:
        body = {
            "name": name,
            "type": "string",
            "fieldType": "text",
            "groupName": "contactinformation",
            **OUR_PROPERTIES[name],
        }
        answer = await self._client.make_property(body)
        if answer.status in {200, 201, 409}:
            return True
        error = trouble(answer)
        if error is not None and answer.status != 403:
            raise error
        return answer.status != 403 and await self._was_made(name, answer)

    async def _was_made(self, name: str, said: UpstreamAnswer) -> bool:
        """A property that is left out by mistake is missing in each contact that is made meanwhile:
        so it is looked for, and only what is certainly a refusal is taken for one.
        """
        found = await self._client.properties()
        if found.status == 200 and name in properties(found):
            return True
        if said.status in _REFUSED:
            return False
        raise said.error(ErrorClass.UNAVAILABLE)
