"""A channel's circuit breaker, which also pauses the channel while its credentials are refused.

An open circuit lets one attempt through as a probe when its time has come, or when a person asks.
The probe's result closes the circuit or opens it again. While it is open nobody waits for
time-outs: deliveries are stored at once, uncounted.
"""

import asyncio
from collections.abc import Callable
from enum import Enum

from gateway.delivery.retry import longer
from gateway.errors import ErrorClass, IdentityError, UpstreamError

__all__ = ["CircuitBreaker", "CircuitState"]

FAILURES_TO_OPEN = 5
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 60.0
AUTH_PAUSE = 10.0
LONG_RETRY_AFTER = 2.0
"""If `Retry-After` is at least this many seconds, the whole channel is paused, and no caller waits
for it.
"""
WIDEST = 64
"""Most attempts of the backlog at the same time; after a recovery the number rises from one."""


class CircuitState(Enum):
    CLOSED = "closed"
    HALF_OPEN = "half_open"  # this attempt is the probe
    OPEN = "open"


class CircuitBreaker:
    """`clock` is monotonic. `cause` says why it is open (None: closed), `reason` in words.

    `recoveries` counts how often it closed again. `upstream_reason` is the upstream's own reason of
    the failure that opened it, where it gave one.
    """

    def __init__(self, channel: str, clock: Callable[[], float], widest: int = WIDEST) -> None:
        self.channel = channel
        self.cause: ErrorClass | None = None
        self.reason = ""
        self.upstream_reason: str | None = None
        self._opened_at = 0.0
        self.window = widest
        self.recoveries = 0
        self._widest = widest
        self._clock = clock
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._until = 0.0
        self._probing: asyncio.Event | None = None

    def remaining(self) -> float:
        """Seconds until the next probe."""
        return max(0.0, self._until - self._clock()) if self.cause else 0.0

    async def admit(self, *, person: bool = False) -> CircuitState:
        """An attempt that a person asked for probes at once, or waits for the running probe."""
        if person and self.cause is not None and self._probing is not None:
            await self._probing.wait()
            person = False
        if self.cause is None:
            return CircuitState.CLOSED
        if self._probing is not None or (not person and self._clock() < self._until):
            return CircuitState.OPEN
        self._probing = asyncio.Event()
        return CircuitState.HALF_OPEN

    def succeeded(self) -> bool:
        """An attempt reached the channel. True if the circuit was open until now."""
        recovered = self.cause is not None
        self._failures = 0
        if recovered:
            self.recoveries += 1
            self.cause = None
            self._pause = FIRST_PAUSE
            self.window = 1
        elif self.window < self._widest:
            self.window = min(self._widest, self.window * 2)
        self._end_probe()
        return recovered

    @property
    def paused_for(self) -> float:
        """Seconds since it opened; 0 while it is closed."""
        return max(0.0, self._clock() - self._opened_at) if self.cause else 0.0

    def failed(self, error: UpstreamError) -> None:
        if error.error_class is ErrorClass.AUTH:
            self._open(error, AUTH_PAUSE)
            self.reason = _why(error)
        elif self._asks_to_wait(error):
            self._open(error, min(error.retry_after or 0, 86400.0))
        elif error.opens_circuit:
            self._failures += 1
            probed = self.cause is not None and self._probing is not None
            if probed or (self.cause is None and self._failures >= FAILURES_TO_OPEN):
                # Only a probe makes the pause longer: attempts that ran already say nothing new.
                self._open(error, self._pause)
                self._pause = longer(self._pause, 0.0, LONGEST_PAUSE)
        elif self.cause is not None:
            self.succeeded()  # the channel answers again, even if it refuses this customer
        self._end_probe()

    def half_open(self) -> None:
        """The cause may be gone (new credentials): the next attempt is a probe."""
        self.recoveries += self.cause is not None
        self.cause = None
        self._failures = 0
        self.window = 1

    def abandon(self) -> None:
        """The probe ended without reaching the channel."""
        self._end_probe()

    def _asks_to_wait(self, error: UpstreamError) -> bool:
        whole = error.error_class in {ErrorClass.RATE_LIMIT, ErrorClass.UNAVAILABLE}
        return whole and (error.retry_after or 0) >= LONG_RETRY_AFTER

    def _open(self, error: UpstreamError, pause: float) -> None:
        if self.cause is None:
            self._opened_at = self._clock()
        self.cause, self.reason = error.error_class, "it keeps failing"
        self.upstream_reason = error.reason
        self._until = self._clock() + pause
        self.window = 1

    def _end_probe(self) -> None:
        if self._probing is not None:
            self._probing.set()
            self._probing = None


def _why(error: UpstreamError) -> str:
    if isinstance(error, IdentityError) and error.reason:
        return error.reason
    return "its credentials are refused"
