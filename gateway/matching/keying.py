"""By which secret the index of members is keyed: all of it by one, whatever else is rotated."""

import logging
import sqlite3

from gateway.matching.match_keys import MemberHasher
from gateway.store import Keys, duplicate_queue, members

__all__ = ["Keying"]

log = logging.getLogger(__name__)

_SECRET = "members_secret"  # noqa: S105 - the name under which its fingerprint is kept


class Keying:
    """`newest` hashes by the newest secret. The units are for the database's writer."""

    def __init__(self, keys: Keys) -> None:
        self._hashers = {k.fingerprint: MemberHasher(k.derived(b"members")) for k in keys.every}
        self._newest = keys.fingerprint
        self.newest = self._hashers[keys.fingerprint]

    def take_up(self, db: sqlite3.Connection) -> MemberHasher:
        """What the index was built with; the newest, for a new scan, if its secret is gone."""
        known = members.get_meta(db, _SECRET)
        if known is None and members.get_meta(db, "members_stamp"):
            known = next(reversed(self._hashers))  # a version that had one secret: the oldest
        if known not in self._hashers:
            if members.get_meta(db, "members_complete"):
                log.warning("GATEWAY_SECRET is another one: all members are read again")
            self.renew(db)
            return self.newest
        members.set_meta(db, _SECRET, known)
        return self._hashers[known]

    def is_newest(self, db: sqlite3.Connection) -> bool:
        """Whether the index is keyed by the newest secret, or the scan that is under way."""
        return members.get_meta(db, _SECRET) == self._newest

    def renew(self, db: sqlite3.Connection) -> None:
        """What was read is worth nothing by the newest secret: it is to be read again."""
        members.set_meta(db, "members_complete", "")
        members.set_meta(db, "members_running", "")
        members.set_meta(db, _SECRET, self._newest)
        duplicate_queue.clear_evidence(db)
