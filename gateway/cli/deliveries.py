"""deliveries list|show|discard: the outbox."""

import sys
from typing import Any

import click

from gateway.cli.filters import Filter, filter_options
from gateway.cli.output import print_json, table

__all__ = ["command"]


@click.group("deliveries")
def command() -> None:
    """The outbox: one customer owed to one channel, with what became of it."""


def _with_owner(action: Any) -> Any:
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import Refused, read_config, run_logged, with_owner  # noqa: PLC0415

    try:
        return run_logged(with_owner(read_config(complete=False), Role.OFFLINE, action))
    except Refused as refused:
        click.echo(str(refused), err=True)
        sys.exit(2)


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
    table(
        "",
        ("id", "customer", "channel", "kind", "outcome", "error", "tries", "next try", "message"),
        [
            (
                row["id"],
                row["shopify_customer_id"].rpartition("/")[2],
                row["channel"],
                row["kind"],
                row["outcome"],
                row["error_class"],
                row["attempts"],
                row["next_attempt_at"],
                row["message"],
            )
            for row in rows
        ],
    )


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
