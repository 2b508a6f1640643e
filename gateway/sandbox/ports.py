"""Which ports the sandbox listens on: the same from start to start, so that a .env stays right."""

import socket
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from itertools import count
from typing import Self

__all__ = ["Ports", "first_free"]

_LAST = 65535


@dataclass(frozen=True, slots=True)
class Ports:
    """Of the page with its control API, and of each system; 0 is any that is free."""

    page: int = 0
    shopify: int = 0
    smaregi: int = 0
    crm: int = 0
    email: int = 0

    @classmethod
    def in_a_row(cls, page: int) -> Self:
        """The page's and those after it; any for 0, and for what would be beyond the last."""
        row = (page + number for number in range(len(fields(cls))))
        return cls(*(port if page and port <= _LAST else 0 for port in row))

    def settled(self, host: str, *, keep_page: bool = False) -> Self:
        """With the next free one, above them all, in place of each that is taken."""
        spare = _free_from(host, max(astuple(self)) + 1)
        kept = {self.page} if keep_page else set()
        return type(self)(
            *(
                port if not port or port in kept or _is_free(host, port) else next(spare)
                for port in astuple(self)
            )
        )

    def moved(self, settled: "Ports") -> dict[str, tuple[int, int]]:
        """(wanted, got) of each that is another one in `settled`."""
        names = [field.name for field in fields(self)]
        pairs = zip(astuple(self), astuple(settled), strict=True)
        return {name: pair for name, pair in zip(names, pairs, strict=True) if pair[0] != pair[1]}


def first_free(host: str, port: int) -> int:
    """`port`, or the next above it that is free."""
    return next(_free_from(host, port))


def _free_from(host: str, port: int) -> Iterator[int]:
    """The free ones upward, then 0 for any."""
    for each in count(port):
        if each > _LAST:
            yield 0
        elif _is_free(host, each):
            yield each


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
