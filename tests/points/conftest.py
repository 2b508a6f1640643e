"""Fixtures of points."""

import pytest

from gateway.points import sender, worker


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender and the worker wait parts of a second in place of minutes."""
    monkeypatch.setattr(sender, "PATIENCE", 0.4)
    monkeypatch.setattr(sender, "WATCHED", 0.2)
    monkeypatch.setattr(sender, "_LOOK_AGAIN", 0.1)
    monkeypatch.setattr(sender, "_WEIGH_AGAIN", 0.05)
    monkeypatch.setattr(worker, "_AGAIN", 0.1)
    monkeypatch.setattr(worker, "_SHORTEST", 0.1)
    monkeypatch.setattr(worker, "_LONGEST", 0.2)
