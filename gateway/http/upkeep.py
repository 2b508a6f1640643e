"""What goes on around a core that serves, whoever owns its database."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.app.config import POLL, LiveConfig
from gateway.app.terminal import closed_terminal_ends, ending_quietly
from gateway.background import Background

__all__ = ["WORK", "calm_collector", "stop_of", "watching"]

WORK = 3.5
"""Seconds that deliveries get to finish after SIGTERM; with the requests' four, under 10 in all."""


def stop_of(live: LiveConfig) -> asyncio.Event:
    """Set by the signals that end this process; SIGHUP reloads, where there is no terminal."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    hang_up = ending_quietly(stop.set) if closed_terminal_ends() else live.reload
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    return stop


def calm_collector() -> None:
    """What start-up made stays for good: the collector need not walk it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@asynccontextmanager
async def watching(live: LiveConfig) -> AsyncIterator[None]:
    watch = Background()
    watch.every(POLL, live.look, "the watch on .env")
    try:
        yield
    finally:
        await watch.stop()
