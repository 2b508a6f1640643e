"""deliveries list|summary|show|discard: the outbox."""

import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from gateway.cli.filters import Filter, filter_options
from gateway.cli.output import json_lines, json_object, print_json, print_rows, table
from gateway.cli.wrapping import Commands, say

__all__ = ["SORTS", "command"]

_WIDE = 130
"""Columns of a terminal on which every field has room."""
SORTS = ("newest", "oldest", "next", "tries")


@click.group("deliveries", cls=Commands)
def command() -> None:
    """The outbox: one customer owed to one channel, with what became of it."""


def _with_owner(action: Any) -> Any:
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    return run_logged(with_owner(read_config(complete=False), Role.OFFLINE, action))


def _query(chosen: Filter) -> dict[str, str]:
    return {
        key: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in chosen.items()
    }


@command.command("list")
@filter_options
@click.option("--sort", type=click.Choice(SORTS), default="newest", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@json_lines
def list_(chosen: Filter, sort: str, limit: int, as_json: bool) -> None:
    """Deliveries, newest first, or as --sort says: next is the next try first, tries the most."""

    async def read(client: Any) -> tuple[list[dict[str, Any]], int]:
        rows: list[dict[str, Any]] = []
        query, total = _query(chosen) | {"sort": sort}, 0
        more: dict[str, str] | None = {}
        while more is not None and len(rows) < limit:
            size = {"limit": str(min(1000, limit - len(rows)))}
            page = await client.get("/v1/deliveries", query | size | more)
            rows.extend(page["deliveries"])
            total, cursor = page.get("total", total), page["next_cursor"]
            more = None if cursor is None else {"cursor": cursor}
        return rows, total

    rows, total = _with_owner(read)
    if as_json:
        print_rows(rows)
    elif not rows:
        click.echo("No deliveries.")
    else:
        _show_rows(rows)
        click.echo(f"{len(rows)} of {max(total, len(rows))} shown.")


_Columns = dict[str, Callable[[dict[str, Any]], object]]

_NARROW: _Columns = {
    "id": lambda row: row["id"],
    "channel": lambda row: row["channel"],
    "state": lambda row: _lines(row["outcome"], row["error_class"]),
    "tries": lambda row: row["attempts"],
    "next try": lambda row: _until(row["next_attempt_at"]),
    "reason": lambda row: row["reason"] or row["message"],
}
_BROAD: _Columns = {
    "id": lambda row: row["id"],
    "customer": lambda row: row["shopify_customer_id"].rpartition("/")[2],
    "channel": lambda row: row["channel"],
    "outcome": lambda row: row["outcome"],
    "error": lambda row: row["error_class"],
    "kind": lambda row: row["kind"],
    "tries": lambda row: row["attempts"],
    "next try": lambda row: row["next_attempt_at"],
    "reason": lambda row: row["reason"],
    "message": lambda row: row["message"],
}


def _show_rows(rows: list[dict[str, Any]]) -> None:
    """On a narrow terminal what tells why, and when it goes on; `show` has the rest."""
    narrow = sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE
    columns = _NARROW if narrow else _BROAD
    table("", columns, [[cell(row) for cell in columns.values()] for row in rows])
    if narrow:
        click.echo(f"With {_WIDE} columns there is more; `deliveries show ID` tells everything.")


def _until(at: str | None) -> str | None:
    """How long it is until then, in one word and a unit."""
    if at is None:
        return None
    seconds = (datetime.fromisoformat(at) - datetime.now(UTC)).total_seconds()
    if seconds <= 0:
        return "due"
    for unit, size in (("s", 60.0), ("min", 60.0), ("h", 48.0)):
        if seconds < size:
            return f"{seconds:.0f} {unit}"
        seconds /= 60.0 if unit != "h" else 24.0
    return f"{seconds:.0f} d"


@command.command("summary")
@json_lines
def summary(as_json: bool) -> None:
    """Open deliveries by their cause, the most frequent first: how many, why, and what to do."""

    async def read(client: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await client.get("/control/deliveries/summary"))["causes"]
        return found

    rows = _with_owner(read)
    if as_json:
        print_rows(rows)
        return
    if not rows:
        click.echo("No open deliveries.")
        return
    shown = [
        (r["count"], r["channel"], r["outcome"], r["error_class"], r["reason"] or r["message"])
        for r in rows
    ]
    table("Open deliveries", ("deliveries", "channel", "outcome", "error", "reason"), shown)
    for row in rows:
        name = " ".join(filter(None, (row["channel"], row["outcome"], row["error_class"])))
        say(f"{name}: {row['mend']} For example delivery {row['example_id']}.", indent="  ")


@command.command("show")
@click.argument("delivery_id", type=click.IntRange(min=1))
@json_object
def show(delivery_id: int, as_json: bool) -> None:
    """One delivery with every attempt."""
    found: dict[str, Any] = {}

    async def read(client: Any) -> None:
        found.update(await client.get(f"/v1/deliveries/{delivery_id}"))

    _with_owner(read)
    if as_json:
        print_json(found)
        return
    tries = found.pop("tries")
    table(f"Delivery {delivery_id}", ("field", "value"), found.items())
    table(
        "Attempts",
        ("started", "seconds", "state", "counted", "reason"),
        [
            (
                t["started_at"].replace("T", "\n"),
                f"{t['duration']:.3f}",
                _lines(t["outcome"], t["error_class"]),
                "yes" if t["counted"] else "no",
                _lines(t["reason"], t["message"]),
            )
            for t in tries
        ],
    )


def _lines(*texts: str | None) -> str:
    return "\n".join(filter(None, texts))


@command.command("discard")
@filter_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def discard(chosen: Filter, yes: bool) -> None:
    """Give deliveries up: they are not tried again. Needs at least one filter."""
    if not chosen:
        raise click.UsageError("name what is to be discarded, such as --id 17")
    if not yes:
        click.confirm("Discard these deliveries for good?", abort=True)
    counted: dict[str, int] = {}

    async def post(client: Any) -> None:
        counted.update(await client.post("/control/discard", chosen))

    _with_owner(post)
    click.echo(f"{counted['count']} discarded.")
