"""Work that goes in rounds: again when woken, and after a while for as long as some is left."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from logging import Logger

from gateway.errors import StorageError

__all__ = ["go_round"]


async def go_round(
    one: Callable[[], Awaitable[bool]],
    wake: asyncio.Event,
    pause: float,
    *,
    log: Logger,
    what: str,
    who: str,
) -> None:
    """Runs for ever. `one()` makes a round and returns whether work is left; if so, the next round
    comes after `pause` seconds at the latest, otherwise once `wake` is set.

    A round that fails is logged (`what` could not be read, by `who`) and made again.
    """
    while True:
        left = True
        wake.clear()  # before the round, so that a call during it is not lost
        try:
            left = await one()
        except StorageError as error:
            log.error("%s cannot be read: %s (%s)", what, error, error.hint)
        except Exception:
            log.exception("%s stumbled", who)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause if left else None):
                await wake.wait()
