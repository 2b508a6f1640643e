"""What systemd is told of a service of Type=notify: sd_notify(3), a datagram to the socket that it
names. Anywhere else nothing is told.
"""

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from gateway.background import Background

__all__ = ["supervised", "tell", "watchdog"]


def tell(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """`READY=1`, `STOPPING=1`, `WATCHDOG=1`. One that does not listen stops nothing."""
    address = environment.get("NOTIFY_SOCKET", "")
    if address[:1] not in {"/", "@"}:
        return
    if address[0] == "@":  # an abstract one
        address = f"\0{address[1:]}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        out.sendto(state.encode(), address)


def watchdog(environment: Mapping[str, str] = os.environ) -> float | None:
    """Seconds within which it wants to hear from this process again and again."""
    meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    wanted = environment.get("WATCHDOG_USEC", "")
    return int(wanted) / 1e6 if meant and wanted.isdecimal() and int(wanted) else None


@asynccontextmanager
async def supervised(environment: Mapping[str, str] = os.environ) -> AsyncIterator[None]:
    """Ready from here on, and stopping at the end. The watchdog hears from the event loop itself,
    so one that hangs is ended and started again.
    """
    beat, seconds = Background(), watchdog(environment)

    async def lives() -> None:
        tell("WATCHDOG=1", environment)

    if seconds is not None:
        beat.every(seconds / 3, lives, "the watchdog")
    tell("READY=1", environment)
    try:
        yield
    finally:
        tell("STOPPING=1", environment)
        await beat.stop()
