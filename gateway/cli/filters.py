"""The filter options that `replay` and `deliveries` share, and how rows are shown."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from gateway.channels import ROSTER
from gateway.errors import ErrorClass
from gateway.outcomes import Outcome

__all__ = ["Filter", "filter_options", "print_json", "table"]

Filter = dict[str, Any]

_OPTIONS = (
    click.option("--channel", multiple=True, type=click.Choice([s.name for s in ROSTER])),
    click.option("--outcome", multiple=True, type=click.Choice([str(o) for o in Outcome])),
    click.option("--error-class", multiple=True, type=click.Choice([str(c) for c in ErrorClass])),
    click.option("--id", "ids", multiple=True, type=click.IntRange(min=1), help="Delivery id."),
    click.option("--since", metavar="TIME", help="Created at or after, such as 2026-11-21T09:00Z."),
    click.option("--until", metavar="TIME", help="Created at or before."),
)


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets them as the argument `chosen`."""

    @functools.wraps(function)
    def command(
        channel: tuple[str, ...],
        outcome: tuple[str, ...],
        error_class: tuple[str, ...],
        ids: tuple[int, ...],
        since: str | None,
        until: str | None,
        **rest: Any,
    ) -> Any:
        chosen = {
            "channel": list(channel),
            "outcome": list(outcome),
            "error_class": list(error_class),
            "id": list(ids),
            "since": since,
            "until": until,
        }
        return function(chosen={k: v for k, v in chosen.items() if v}, **rest)

    for option in reversed(_OPTIONS):
        option(command)
    return command


def print_json(row: Mapping[str, Any]) -> None:
    """One JSON object a line."""
    import orjson  # noqa: PLC0415

    click.echo(orjson.dumps(row).decode())


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A table on the terminal, as wide as it needs where output goes into a pipe."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    shown = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=160, highlight=False)
    console.print(shown)
