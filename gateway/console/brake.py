"""The brake on guessing: after some wrong passwords an address waits, and after many everybody."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

__all__ = ["Brake"]

OF_ONE = 5
"""Wrong passwords of one address before it waits; each further one doubles the time."""
IN_ALL = 30
"""Wrong passwords of all addresses within `WINDOW` seconds before everybody waits."""
FIRST, LONGEST = 60.0, 3600.0
WINDOW = 900.0
_REMEMBERED = 10_000


class Brake:
    """`clock` is monotonic seconds. Who is signed in already is not concerned."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=IN_ALL)

    def wait(self, address: str) -> float:
        """Seconds until this address may try; 0: now."""
        now = self._clock()
        count, at = self._wrong.get(address, (0, now))
        own = at + min(LONGEST, FIRST * 2 ** min(count - OF_ONE, 10)) - now
        crowd = self._all[0] + WINDOW - now if len(self._all) == IN_ALL else 0.0
        return max(0.0, own if count >= OF_ONE else 0.0, min(crowd, FIRST))

    def begin(self, address: str) -> None:
        """A try counts as wrong until it is known to be right: many at once are no way around."""
        now = self._clock()
        count, at = self._wrong.pop(address, (0, now))
        self._wrong[address] = (1 if now - at > LONGEST else count + 1, now)
        self._all.append(now)
        if len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)

    def right(self, address: str) -> None:
        if self._wrong.pop(address, None) is not None and self._all:
            self._all.pop()
