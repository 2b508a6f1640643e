"""New members are looked at without waiting."""

import pytest

from gateway.duplicates import finder


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "_EVERY", 0.02)
