"""points list|show|settle|backfill|drift: points earned and spent online."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from gateway.cli.output import json_lines, print_rows, table
from gateway.cli.wrapping import Commands, say

__all__ = ["command"]

_STATES = ("waiting", "held", "skipped", "dry_run", "ignored", "given", "failed")
_RESERVED = ("pending", "active", "closing", "used", "released", "refused")
_ID = click.IntRange(1, (1 << 63) - 1)
_PAGE = 1000
_WHOSE = ("for", "customer", "member")
"""Columns that are mostly the same in all rows of one customer, or of one order."""


@click.group("points", cls=Commands)
def command() -> None:
    """Points earned and spent online: what orders earn and use, and what is on its way to members.

    An order earns as FLAG_POINTS_EARN says, and customers spend as FLAG_POINTS_SPEND says; each
    difference is one movement of points in Smaregi.
    """


def _with_owner(action: Any, *, works: bool = False) -> Any:
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    role = Role.COMMAND if works else Role.OFFLINE
    return run_logged(with_owner(read_config(complete=works), role, action))


@command.command("list")
@click.option("--orders", "state", type=click.Choice(_STATES), help="Orders in this state instead.")
@click.option(
    "--reservations", "reserved", type=click.Choice(_RESERVED), help="Reservations in this state."
)
@click.option(
    "--lacking",
    is_flag=True,
    help="Those whose points could not be taken; of orders unless --reservations is given.",
)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@json_lines
def list_(
    state: str | None, reserved: str | None, lacking: bool, limit: int, as_json: bool
) -> None:
    """What is on its way: movements that are owed, sent or stuck, the oldest first."""
    if state and reserved:
        raise click.UsageError("Say --orders or --reservations, not both.")
    path, key = ("orders", "order_id") if lacking or state else ("movements", "id")
    path, key = ("reservations", "reservation_id") if reserved else (path, key)
    chosen = {"state": wanted} if (wanted := state or reserved) else {}
    chosen |= {"lacking": "true"} if lacking else {}

    async def read(client: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        full = True
        while full and len(rows) < limit:
            after = str(rows[-1][key]) if rows else "0"
            page = (await client.get(f"/control/points/{path}", {**chosen, "after": after}))[path]
            rows += page
            full = len(page) >= _PAGE
        return rows[:limit]

    rows = _with_owner(read)
    if as_json:
        print_rows(rows)
    elif not rows:
        click.echo("No points are on their way." if path == "movements" else "Nothing.")
    else:
        show = {"orders": _orders, "reservations": _reservations, "movements": _movements}[path]
        show(path.capitalize(), rows)


@command.command("show")
@click.argument("number", type=_ID, metavar="ORDER|CUSTOMER")
@json_lines
def show(number: int, as_json: bool) -> None:
    """An order, or all of a customer and their reservations, with movements, by Shopify's id."""
    found = _with_owner(lambda client: client.get("/control/points/show", {"id": str(number)}))
    rows = [*found["orders"], *found["reservations"]]
    if as_json:
        print_rows(rows)
        return
    if not rows:
        click.echo("No order with this id, or of this customer, is known here.", err=True)
        sys.exit(1)
    if found["orders"]:
        _orders("Orders", found["orders"])
    if found["reservations"]:
        _reservations("Reservations", found["reservations"])
    moved = [one for row in rows for one in row["movements"]]
    if moved:
        _movements("Movements", moved)


@command.command("settle")
@click.argument("movement", type=_ID, metavar="ID")
@click.option("--done", "done", flag_value="done", help="Smaregi has it.")
@click.option("--void", "done", flag_value="void", help="Smaregi does not have it, nor ever will.")
def settle(movement: int, done: str | None) -> None:
    """Say what became of a movement that is stuck, after you have looked into Smaregi.

    ID is that of `points list`. In Smaregi look for its number (`uuid`, レシート番号) in the point
    history of the member. What it is for is then computed anew, and what is missing is sent.
    """
    if done is None:
        raise click.UsageError("Say --done or --void.")
    request = {"id": movement, "done": done == "done"}
    _with_owner(lambda client: client.post("/control/points/settle", request))
    click.echo(f"Movement {movement} is {done}; `serve` goes on with its member.")


@command.command("backfill")
@click.option("--since", required=True, metavar="TIME", help="Made then or later: 2026-11-21.")
@click.option("--until", metavar="TIME", help="Made then or earlier.")
@click.option("--dry-run", is_flag=True, help="Only count.")
def backfill(since: str, until: str | None, dry_run: bool) -> None:
    """Orders made within a time are to earn points, also those made while the flag was off.

    What Smaregi has of them already, from a gateway whose database was lost, is taken over from
    there and not given twice. `serve` does the work.
    """
    request = {"since": since, "until": until, "dry_run": dry_run}
    end: dict[str, Any] = {}

    async def go(client: Any) -> None:
        async for event in client.stream("/control/points/backfill", request):
            end.update(event)

    _with_owner(go, works=True)
    would = "would be read" if dry_run else "are read again by `serve`"
    click.echo(f"{end['count']} orders {would}.")
    if end["error"]:
        click.echo(end["error"], err=True)
        sys.exit(1)


@command.command("drift")
@click.option(
    "--settled",
    multiple=True,
    metavar="TRANSACTION",
    help="You have put this one right: forget it.",
)
@json_lines
def drift(settled: tuple[str, ...], as_json: bool) -> None:
    """Transactions in Smaregi that are otherwise than the gateway's own books.

    Found by the hourly pass and never mended by itself. Exit code 1 when there are any.
    """
    if settled:
        request = {"heads": list(settled)}
        done = _with_owner(lambda client: client.post("/control/points/drift", request))
        click.echo(f"{done['count']} forgotten.")
        return
    rows = _with_owner(lambda client: client.get("/control/points/drift"))["drift"]
    if as_json:
        print_rows(rows)
    elif rows:
        columns = ("transaction", "what", "number", "member", "points", "movement", "found")
        names = ("transaction", "kind", "uuid", "member_id", "points", "movement_id")
        table(
            "", columns, [[*(row[name] for name in names), _time(row["found_at"])] for row in rows]
        )
    else:
        click.echo("Smaregi has what the gateway's books have.")
    if rows:
        sys.exit(1)


def _orders(title: str, rows: list[dict[str, Any]]) -> None:
    columns = ("order", "customer", "state", "points", "lacking", "made")
    shown = [
        (
            row["order_id"],
            _customer(row),
            row["state"],
            row["points"],
            row["lacking"] or None,
            _time(row["made_at"]),
        )
        for row in rows
    ]
    _table(title, columns, shown)
    for row in rows:
        if why := row["reason"] or row["message"]:
            say(f"{row['order_id']} is {row['state']}: {why}", indent="  ")


def _reservations(title: str, rows: list[dict[str, Any]]) -> None:
    columns = ("id", "customer", "state", "points", "yen", "lacking", "ends")
    shown = [
        (
            row["reservation_id"],
            _customer(row),
            row["state"],
            row["points"],
            row["amount"],
            row["lacking"] or None,
            _time(row["expires_at"]),
        )
        for row in rows
    ]
    _table(title, columns, shown)


def _movements(title: str, rows: list[dict[str, Any]]) -> None:
    columns = ("id", "for", "member", "points", "state", "number", "transaction", "made")
    names = ("member_id", "points", "state", "uuid", "transaction")
    shown = [
        [row["id"], _for(row), *(row[name] for name in names), _time(row["created_at"])]
        for row in rows
    ]
    _table(title, columns, shown)
    for row in rows:
        if row["state"] == "stuck":
            say(f"{row['id']} is stuck: {row['message']}", indent="  ")


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """For a terminal of 80 columns: whose they all are is told once, above them, and what none of
    them has is left out.
    """
    same = {
        name: rows[0][place]
        for place, name in enumerate(columns)
        if name in _WHOSE and rows[0][place] and len({row[place] for row in rows}) == 1
    }
    kept = [
        place
        for place, name in enumerate(columns)
        if name not in same and any(row[place] for row in rows)
    ]
    whose = ", ".join(f"{name} {' '.join(str(value).split())}" for name, value in same.items())
    click.echo(f"{title}: {whose}" if whose else title)
    table("", [columns[place] for place in kept], [[row[place] for place in kept] for row in rows])


def _customer(row: dict[str, Any]) -> str:
    member = f"\nmember {row['member_id']}" if row["member_id"] else ""
    return (row["shopify_customer_id"] or "").rpartition("/")[2] + member


def _time(text: str | None) -> str:
    """To the minute, and with a space at which a narrow column breaks; `--json` has it all."""
    return (text or "")[:16].replace("T", " ")


def _for(row: dict[str, Any]) -> str:
    reservation = row["reservation_id"]
    return f"reservation\n{reservation}" if reservation is not None else f"order\n{row['order_id']}"
