"""Who may call, and how often: bearer keys compared in constant time, a rate for each."""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable

from gateway.http.rates import Buckets
from gateway.settings import GatewaySettings

__all__ = ["LOOPBACK", "CallerAccess"]


LOOPBACK = "loopback"
"""The caller's name if no key is set."""
_USUAL = 100.0
"""Requests a second that one key may send for all its visitors together."""


class CallerAccess:
    """`settings()` is asked each time, so that a reload takes new keys."""

    def __init__(
        self, settings: Callable[[], GatewaySettings], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._callers = Buckets(clock)
        self._visitors = Buckets(clock)
        self._forms = Buckets(clock)

    @property
    def is_keyless(self) -> bool:
        """Whether any program of this machine may register."""
        return not self._settings().gateway_api_keys

    def caller(self, authorization: str) -> str | None:
        """The caller's name, which is no secret; None if the key is missing or wrong."""
        keys = self._settings().gateway_api_keys
        return _caller(authorization, keys) if keys else LOOPBACK

    def operator(self, authorization: str) -> str | None:
        """The same for a key that may see and replay deliveries."""
        return _caller(authorization, self._settings().gateway_operator_keys)

    @property
    def has_operators(self) -> bool:
        return bool(self._settings().gateway_operator_keys)

    def may_measure(self, authorization: str, *, is_local: bool) -> bool:
        """Whether the metrics are for this caller."""
        settings = self._settings()
        if settings.gateway_metrics_key:
            return _caller(authorization, [settings.gateway_metrics_key]) is not None
        return is_local or not (settings.gateway_api_keys or settings.gateway_operator_keys)

    @property
    def has_metrics_key(self) -> bool:
        return self._settings().gateway_metrics_key is not None

    def wait(self, caller: str, visitor: str | None = None) -> float:
        """0 if the caller may register now, otherwise the seconds until they may.

        If the caller has a key and names the visitor, the limit is for that visitor. The key as a
        whole still has the usual limit, or the visitor's limit if that is higher.
        """
        rate = self._settings().gateway_rate_limit
        if visitor is None or caller == LOOPBACK:
            return self._callers.wait(caller, rate)
        wait = self._visitors.wait(f"{caller} {visitor}", rate)
        return wait or self._callers.wait(f"{caller} visitors", max(rate, _USUAL))

    def form_wait(self, caller: str) -> float:
        """The same for what only helps to fill a form: counted apart from registrations, by key."""
        return self._forms.wait(caller, max(self._settings().gateway_rate_limit, _USUAL))


def _caller(authorization: str, keys: Iterable[str]) -> str | None:
    scheme, _, given = authorization.partition(" ")
    presented = given.strip().encode("utf-8", "surrogateescape")
    matches = [hmac.compare_digest(presented, key.encode()) for key in keys]
    if scheme.lower() != "bearer" or not any(matches):
        return None
    return hashlib.sha256(presented).hexdigest()[:16]
