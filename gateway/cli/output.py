"""What commands print: tables for people, lines of JSON for programs."""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from gateway.cli.wrapping import joined, split

__all__ = [
    "json_line",
    "json_lines",
    "json_object",
    "print_json",
    "print_rows",
    "size_text",
    "table",
]

json_lines = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
json_object = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


def print_json(row: Mapping[str, Any]) -> None:
    """One JSON object a line."""
    click.echo(json_line(row), nl=False)


def print_rows(rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        print_json(row)


def json_line(row: Mapping[str, Any]) -> bytes:
    """In UTF-8, whatever the locale, with its line feed."""
    import orjson  # noqa: PLC0415

    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


_SHORT = {
    *("id", "customer", "channel", "outcome", "error", "result", "deliveries", "flag", "mode"),
    *("score", "A", "B", "state", "points", "order", "for", "member", "number", "transaction"),
    "lacking",
}
"""Columns of single words, which are not cut in the middle."""


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A table on the terminal, as wide as it needs where output goes into a pipe."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold", no_wrap=column in _SHORT)
    for row in rows:
        # As plain text: brackets in a cell are no markup.
        shown.add_row(*(Text("" if cell is None else joined(str(cell))) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=160, highlight=False)
    with console.capture() as rendered:
        console.print(shown)
    click.echo(split(rendered.get()), nl=False)


def size_text(count: int) -> str:
    size, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB"):  # noqa: B007 - the last one counts
        if size < 1000:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
