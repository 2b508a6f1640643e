"""The templates and static files of the console, read once.

A running program keeps the pages that it began with: an upgrade of the package on the disk would
otherwise mix new templates with old code.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

__all__ = ["static_files", "templates"]


@cache
def templates() -> Mapping[str, str]:
    return {name: body.decode("utf-8") for name, body in _read("templates").items()}


@cache
def static_files() -> Mapping[str, bytes]:
    return _read("static")


def _read(folder: str) -> dict[str, bytes]:
    found = files("gateway.console").joinpath(folder).iterdir()
    return {each.name: each.read_bytes() for each in found if each.is_file()}
