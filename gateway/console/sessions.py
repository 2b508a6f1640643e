"""Sessions: a signed cookie names one, the rest is in memory and ends with the process.

A session lasts 12 hours, one hour without a request, and no longer than the password it was begun
with: each key here is made of it, so a changed password ends what it began.

A form's token is a number and a signature of this session's own. The number is used once: a form
that is sent twice, or again from the history, does nothing the second time.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.console.roles import Passwords, Role
from gateway.store import Keys

__all__ = ["IDLE", "LASTS", "Session", "Sessions", "Token"]

LASTS = 12 * 3600.0
IDLE = 3600.0
_MOST = 200
"""Sessions at the same time; the one that was idle longest goes first."""
_MOST_TOKENS = 5000


@dataclass(slots=True)
class Session:
    """`key` signs its forms; `used` are the numbers of forms that were sent."""

    id: str
    role: Role
    began: float
    seen: float
    key: bytes
    used: set[str] = field(default_factory=set)

    @property
    def actor(self) -> str:
        """Who it is in the log of actions: a role, and which session."""
        return f"{self.role}-{hashlib.sha256(self.id.encode()).hexdigest()[:6]}"


class Token:
    """The forms of one key: a session's, or of the visitor who has none yet."""

    def __init__(self, key: bytes, scope: str) -> None:
        self._key = key
        self._scope = scope

    def make(self) -> str:
        number = secrets.token_urlsafe(12)
        return f"{number}.{self._sign(number)}"

    def number(self, given: str) -> str | None:
        """The number of a token of this scope; None for any other text."""
        number, _, signature = given.partition(".")
        is_ours = hmac.compare_digest(self._sign(number).encode(), signature.encode())
        return number if is_ours else None

    def _sign(self, number: str) -> str:
        text = f"form\0{self._scope}\0{number}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, text, "sha256").hexdigest()


class Sessions:
    """`clock` is monotonic seconds."""

    def __init__(
        self, keys: Keys, passwords: Passwords, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._root = keys.derived(b"console")
        self._passwords = passwords
        self._clock = clock
        self._all: dict[str, Session] = {}

    def open(self, role: Role) -> Session:
        now = self._clock()
        if len(self._all) >= _MOST:
            self.close(min(self._all.values(), key=lambda each: each.seen))
        session = Session(secrets.token_urlsafe(24), role, now, now, self._key(role))
        self._all[session.id] = session
        return session

    def close(self, session: Session) -> None:
        self._all.pop(session.id, None)

    def cookie(self, session: Session) -> str:
        return f"{session.id}.{self._signature(session)}"

    def of(self, cookie: str) -> Session | None:
        """The session that a cookie names, seen now; None for one that is over or never was."""
        name, _, signature = cookie.partition(".")
        session = self._all.get(name)
        if session is None or not hmac.compare_digest(
            self._signature(session).encode(), signature.encode("utf-8", "surrogatepass")
        ):
            return None
        now = self._clock()
        over = now - session.began >= LASTS or now - session.seen >= IDLE
        if over or not hmac.compare_digest(session.key, self._key(session.role)):
            self.close(session)
            return None
        session.seen = now
        return session

    def forms(self, session: Session) -> Token:
        return Token(session.key, session.id)

    def visitor(self, visit: str) -> Token:
        """The forms of somebody who has not signed in; `visit` is in a cookie of theirs."""
        return Token(self._root, f"visit {visit}")

    def use(self, session: Session, token: str, *, once: bool = True) -> bool | None:
        """Whether the form may do what it says: False where it did before, None if not ours.

        Not `once`: a form that only asks may be sent as often as somebody likes.
        """
        number = self.forms(session).number(token)
        if number is None:
            return None
        if not once:
            return True
        if number in session.used or len(session.used) >= _MOST_TOKENS:
            return False
        session.used.add(number)
        return True

    def _key(self, role: Role) -> bytes:
        """Bound to the password that is set: another one makes another key."""
        text = self._passwords.text_of(role) or secrets.token_hex(16)
        return hmac.new(self._root, f"{role}\0{text}".encode(), "sha256").digest()

    def _signature(self, session: Session) -> str:
        return hmac.new(session.key, f"cookie\0{session.id}".encode(), "sha256").hexdigest()
