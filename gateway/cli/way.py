"""Whether a starting `serve` has asked a command for the database."""

import asyncio

__all__ = ["Way"]


class Way:
    """Of a command that owns the database."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    def make(self) -> bool:
        self.asked.set()
        return True

    @property
    def made(self) -> bool:
        return self.asked.is_set()
