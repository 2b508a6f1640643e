"""A disk that is full just when the answer to an idempotency key is to be kept."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import StorageError
from gateway.store import idempotency

__all__ = ["no_answer_is_kept"]


def no_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """While the list has something in it, no key's answer is kept, and none is freed; it also names
    what was tried.
    """
    tried = [""]

    def on_a_full_disk(work: Callable[..., None]) -> Callable[..., None]:
        def done(*given: Any, **named: Any) -> None:
            if tried:
                tried.append(work.__name__)
                raise StorageError("the disk is full", "free some space")
            work(*given, **named)

        return done

    for name in ("remember", "free_key"):
        monkeypatch.setattr(idempotency, name, on_a_full_disk(getattr(idempotency, name)))
    return tried
