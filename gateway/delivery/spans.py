"""Where a trace's spans begin and end, for whoever wants traces. Without one, nothing is done."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from gateway.outcomes import Delivery

__all__ = ["NO_SPANS", "Note", "Spans"]

Note = Callable[[str, str | int], None]
"""Adds an attribute to a span: ids and words of closed sets, never a value."""


class Spans(Protocol):
    """Each is entered around the work; what is begun inside belongs to it."""

    def registration(self, registration_id: str, *, first: bool) -> AbstractContextManager[Note]:
        """`first`: nothing was tried of it before."""

    def shopify(self) -> AbstractContextManager[Note]: ...

    def attempt(self, delivery: Delivery) -> AbstractContextManager[Note]:
        """One that tries again later is linked to its registration."""


class _NoSpans:
    def registration(self, *_: object, **__: object) -> AbstractContextManager[Note]:
        return _NOTHING

    def shopify(self) -> AbstractContextManager[Note]:
        return _NOTHING

    def attempt(self, *_: object, **__: object) -> AbstractContextManager[Note]:
        return _NOTHING


def _not_noted(name: str, value: str | int) -> None:
    pass


_NOTHING: AbstractContextManager[Note] = nullcontext(_not_noted)
NO_SPANS: Spans = _NoSpans()
