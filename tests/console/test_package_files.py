"""An upgrade of the package beside a running console changes none of its pages."""

import io
from typing import Any

import pytest

import gateway.console
from gateway.console import rendering
from tests.console.visitor import Visitor

ROOM = str(gateway.console.__path__[0])


@pytest.fixture
def upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the console began with are there no more."""

    def opened(path: Any, *given: Any, **named: Any) -> Any:
        if str(path).startswith(ROOM) and not str(path).endswith((".py", ".po")):
            raise FileNotFoundError(path)
        return io_open(path, *given, **named)

    io_open = io.open
    monkeypatch.setattr("io.open", opened)
    monkeypatch.setattr("builtins.open", opened)
    rendering.environment.cache_clear()


async def test_pages_and_styles_are_those_that_the_program_began_with(
    admin: Visitor, upgraded: None
) -> None:
    for path in ("/admin", "/admin/deliveries", "/admin/static/console.css"):
        assert (await admin.get(path)).status == 200, path
