"""Who may do what: two roles, each with its password."""

import asyncio
from collections.abc import Callable, Iterator
from enum import StrEnum

from gateway.settings import GatewaySettings
from gateway.settings.passwords import hashed, is_hash, is_right

__all__ = ["Passwords", "Right", "Role"]


class Role(StrEnum):
    ADMIN = "admin"
    STAFF = "staff"

    def may(self, right: "Right") -> bool:
        return self is Role.ADMIN or right in _OF_STAFF


class Right(StrEnum):
    """What a page shows or does."""

    LOOK = "look"
    SEND_AGAIN = "send_again"
    PERSON = "person"
    JUDGE = "judge"
    DISCARD = "discard"
    PROBE = "probe"
    FLAGS = "flags"
    ACTIONS = "actions"
    SETTLE = "settle"


_OF_STAFF = {Right.LOOK, Right.SEND_AGAIN, Right.PERSON, Right.JUDGE}


class Passwords:
    """`settings()` is asked each time, so that a reload takes a new password.

    A password that stands in the settings as it is gets a hash of this process's own, so that each
    is compared in the same way, at the same cost.
    """

    def __init__(self, settings: Callable[[], GatewaySettings], *, is_open: bool = False) -> None:
        self._settings = settings
        self.is_open = is_open  # the demo: whoever reaches it is its administrator
        self._hashes: dict[str, str] = {}
        self._one_at_a_time = asyncio.Semaphore(1)

    def exist(self) -> bool:
        return any(True for _ in self._set())

    def text_of(self, role: Role) -> str:
        """What is set for the role, for keys that end with it; '' where nothing is."""
        return dict(self._set()).get(role, "" if not self.is_open else "open")

    async def role_of(self, password: str) -> Role | None:
        """Every password that is set is tried, so that the time says nothing."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._find, password)

    def _find(self, password: str) -> Role | None:
        found = [role for role, kept in self._set() if is_right(password, self._hash(kept))]
        return found[0] if found else None

    def _hash(self, kept: str) -> str:
        if is_hash(kept):
            return kept
        if kept not in self._hashes:
            self._hashes = {**self._hashes, kept: hashed(kept)}
        return self._hashes[kept]

    def _set(self) -> Iterator[tuple[Role, str]]:
        settings = self._settings()
        if settings.gateway_admin_password:
            yield Role.ADMIN, settings.gateway_admin_password.get_secret_value()
        if settings.gateway_staff_password:
            yield Role.STAFF, settings.gateway_staff_password.get_secret_value()
