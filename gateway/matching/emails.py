"""Members by e-mail. Nearly everybody who signs up is new, which is mostly known without asking the
database: each e-mail that a member has sets a bit (a Bloom filter of one hash).

Of a million members every fifth new e-mail is asked for all the same, of 50 000 every eightieth.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from functools import partial

from gateway.errors import StorageError
from gateway.store import Engine, members
from gateway.store.members import Member, Values

__all__ = ["MemberEmails"]

log = logging.getLogger(__name__)

_BITS = 1 << 22
_EMAIL = Member.__match_args__.index("email_key")


class MemberEmails:
    """A bit that is set may be of a member who is gone; none that should be set is missing, since
    the index alone writes members, and says so before it does.
    """

    def __init__(self, db: Engine) -> None:
        self._db = db
        self._bits = bytearray(_BITS // 8)
        self._is_whole = False
        self._loading: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begins to learn what the database has: two seconds for a million members."""
        self._is_whole = False
        self._loading = asyncio.create_task(self._load(), name="e-mails of members")

    def tasks(self) -> list["asyncio.Task[None]"]:
        return [self._loading] if self._loading is not None else []

    async def _load(self) -> None:
        try:
            for part in range(await self._db.read(members.parts)):
                after = b""
                while keys := await self._db.read(partial(members.emails, part=part, after=after)):
                    self._set(keys)
                    after = keys[-1]
        except StorageError as error:
            log.warning("the database is asked for each e-mail until the next start: %s", error)
            return
        self._is_whole = True

    def will_be_written(self, rows: Sequence[Values]) -> None:
        self._set(row[_EMAIL] for row in rows)

    def _set(self, keys: Iterable[bytes | None]) -> None:
        for key in keys:
            if key is not None:
                place = _place(key)
                self._bits[place >> 3] |= 1 << (place & 7)

    async def members(self, key: bytes) -> list[Member]:
        """Lowest id first."""
        place = _place(key)
        if self._is_whole and not self._bits[place >> 3] & 1 << (place & 7):
            return []
        return await self._db.read(lambda db: members.by_email(db, key))


def _place(key: bytes) -> int:
    """Keys are keyed hashes: each part of one is as random as the whole."""
    return int.from_bytes(key[:4]) % _BITS
