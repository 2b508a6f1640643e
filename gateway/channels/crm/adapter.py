"""What a vendor of a CRM brings."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway import frozen
from gateway.channels.base import Channel, Context
from gateway.outcomes import Identity

__all__ = ["Adapter", "Crm"]


class Crm(Channel, Protocol):
    def forget(self) -> None:
        """What is remembered was another account's."""


@frozen
class Adapter:
    """`account`: what its side is called; `identify` as in `Spec`."""

    build: Callable[[Context], Crm]
    account: str
    identify: Callable[[Channel, Context], Awaitable[Identity | None]]
