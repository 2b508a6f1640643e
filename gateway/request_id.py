"""The id of the request for which something is done: told to its caller, and on every log line.

It is kept with registrations, deliveries and webhooks, so that what is done for them later, even
after a restart, has the same id.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["on_behalf_of", "request_id"]

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Tasks inherit it; what goes on by itself (`background`) has none."""


@contextmanager
def on_behalf_of(identity: str | None) -> Iterator[None]:
    """What is done inside is done for that request; None: for none that is known."""
    token = request_id.set(identity)
    try:
        yield
    finally:
        request_id.reset(token)
