"""A bar on a terminal, with the time left; nothing where the output goes into a pipe."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Bar", "progress_bar"]


class Bar:
    """`progress` is rich's, or None where nobody looks."""

    def __init__(self, progress: Any, description: str) -> None:
        self._progress = progress
        self._description = description
        self._task: Any = None

    def begin(self, total: int | None, done: int = 0) -> None:
        if self._progress is not None:
            self._task = self._progress.add_task(self._description, total=total, completed=done)

    def begin_once(self, total: int | None) -> None:
        """Once the total is known."""
        if self._task is None and total is not None:
            self.begin(total)

    def advance(self) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)

    def reach(self, done: int) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done)


@contextmanager
def progress_bar(description: str, *, wanted: bool = True) -> Iterator[Bar]:
    if not wanted or not sys.stderr.isatty():
        yield Bar(None, description)
        return
    from rich.console import Console  # noqa: PLC0415 - --help stays quick
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        yield Bar(progress, description)
