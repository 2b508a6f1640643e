"""Who may call, and how often: bearer keys compared in constant time, a rate for each."""

import hashlib
import hmac
import time
from collections.abc import Callable

from gateway.settings import GatewaySettings

__all__ = ["LOOPBACK", "Access"]


LOOPBACK = "loopback"
"""The caller where no key is set."""


class Access:
    """`settings()` is asked each time, so that a reload takes new keys."""

    def __init__(
        self, settings: Callable[[], GatewaySettings], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._used: dict[str, tuple[float, float]] = {}

    def caller(self, authorization: str) -> str | None:
        """A name for the caller that is no secret; None if the key is missing or wrong."""
        keys = self._settings().gateway_api_keys
        if not keys:
            return LOOPBACK
        scheme, _, given = authorization.partition(" ")
        presented = given.strip().encode("utf-8", "surrogateescape")
        matches = [hmac.compare_digest(presented, key.encode()) for key in keys]
        if scheme.lower() != "bearer" or not any(matches):
            return None
        return hashlib.sha256(presented).hexdigest()[:16]

    def wait(self, caller: str) -> float:
        """0 if the caller may register now, otherwise the seconds until they may.

        A bucket of one second's allowance, refilled evenly.
        """
        rate = self._settings().gateway_rate_limit
        size = max(1.0, rate)
        now = self._clock()
        tokens, at = self._used.get(caller, (size, now))
        tokens = min(size, tokens + (now - at) * rate)
        if tokens < 1.0:
            self._used[caller] = (tokens, now)
            return (1.0 - tokens) / rate
        self._used[caller] = (tokens - 1.0, now)
        return 0.0
