"""deliveries list|show|discard: the outbox."""

import shutil
import sys
from collections.abc import Callable
from typing import Any

import click

from gateway.cli.filters import Filter, filter_options
from gateway.cli.output import print_json, table
from gateway.cli.wrapping import Commands

__all__ = ["command"]

_WIDE = 130
"""Columns of a terminal on which every field has room."""


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
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(chosen: Filter, limit: int, as_json: bool) -> None:
    """Deliveries, newest first."""
    rows: list[dict[str, Any]] = []

    async def read(client: Any) -> None:
        rows.clear()
        cursor: str | None = None
        while len(rows) < limit:
            query = _query(chosen) | {"limit": str(min(1000, limit - len(rows)))}
            page = await client.get(
                "/v1/deliveries", query | ({"cursor": cursor} if cursor else {})
            )
            rows.extend(page["deliveries"])
            cursor = page["next_cursor"]
            if cursor is None:
                return

    _with_owner(read)
    if as_json:
        for row in rows:
            print_json(row)
    elif not rows:
        click.echo("No deliveries.")
    else:
        _show_rows(rows)


def _show_rows(rows: list[dict[str, Any]]) -> None:
    """On a narrow terminal only what tells one delivery from another; `show` has the rest."""
    columns: dict[str, Callable[[dict[str, Any]], object]] = {
        "id": lambda row: row["id"],
        "customer": lambda row: row["shopify_customer_id"].rpartition("/")[2],
        "channel": lambda row: row["channel"],
        "outcome": lambda row: row["outcome"],
        "error": lambda row: row["error_class"],
    }
    narrow = sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE
    if not narrow:
        columns |= {
            "kind": lambda row: row["kind"],
            "tries": lambda row: row["attempts"],
            "next try": lambda row: row["next_attempt_at"],
            "message": lambda row: row["message"],
        }
    table("", columns, [[cell(row) for cell in columns.values()] for row in rows])
    if narrow:
        click.echo(f"With {_WIDE} columns there is more; `deliveries show ID` tells everything.")


@command.command("show")
@click.argument("delivery_id", type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(delivery_id: int, as_json: bool) -> None:
    """One delivery with every attempt."""
    found: dict[str, Any] = {}

    async def read(client: Any) -> None:
        found.update(await client.get(f"/control/deliveries/{delivery_id}"))

    _with_owner(read)
    if as_json:
        print_json(found)
        return
    tries = found.pop("tries")
    table(f"Delivery {delivery_id}", ("field", "value"), found.items())
    table(
        "Attempts",
        ("started", "seconds", "outcome", "error", "counted", "message"),
        [
            (
                t["started_at"],
                f"{t['duration']:.3f}",
                t["outcome"],
                t["error_class"],
                "yes" if t["counted"] else "no",
                t["message"],
            )
            for t in tries
        ],
    )


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
