"""Reads are repeated once, soon; aiohttp-retry does it."""

from typing import Final

import aiohttp
from aiohttp_retry import ExponentialRetry

__all__ = ["READ_AGAIN"]

_PASSING = {502, 503, 504}
"""What a proxy says while the system behind it is away."""


async def _is_final(response: aiohttp.ClientResponse) -> bool:
    """An answer that is not wanted gives its connection back first; aiohttp-retry keeps it."""
    if response.status not in _PASSING:
        return True
    response.close()
    return False


READ_AGAIN: Final = ExponentialRetry(
    attempts=2,
    start_timeout=0.1,
    max_timeout=0.5,
    exceptions={aiohttp.ClientConnectionError},
    methods={"GET", "POST"},
    retry_all_server_errors=False,
    evaluate_response_callback=_is_final,
)
