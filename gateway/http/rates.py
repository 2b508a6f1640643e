"""How often: allowances in bounded memory, and the addresses by which visitors are told apart."""

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

__all__ = ["Buckets", "client_address"]

_REMEMBERED = 20_000
"""Most buckets kept, some 5 MB. An unused bucket is full after a while, so it may go."""


class Buckets:
    """Each holds one second's allowance, at least one request, and refills evenly."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most: int = _REMEMBERED
    ) -> None:
        self._clock = clock
        self._most = most
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def wait(self, name: str, rate: float) -> float:
        """0 and one taken, or the seconds until there is one again; `rate` is per second."""
        size = max(1.0, rate)
        now = self._clock()
        tokens, at = self._used.pop(name, (size, now))
        tokens = min(size, tokens + (now - at) * rate)
        left = tokens - 1.0 if tokens >= 1.0 else tokens
        self._used[name] = (left, now)
        if len(self._used) > self._most:
            self._used.popitem(last=False)
        return 0.0 if tokens >= 1.0 else (1.0 - tokens) / rate


def client_address(text: str) -> str:
    """Whom an address stands for: an IPv4 address, or the IPv6 /64 of one household.

    ValueError for anything else, also for a list and for an address with a port.
    """
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    address: IPv4Address | IPv6Address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return f"{int(address) >> 64:x}::/64"
        address = address.ipv4_mapped
    return str(address)
