"""removals list|confirm|drop: a mass disappearance that was held."""

from typing import Any

import click

from gateway.cli.output import json_lines, print_rows, table
from gateway.cli.parameters import Customer

__all__ = ["command"]

_CAUSES = {
    "gone": "gone from Shopify",
    "redact": "Shopify orders to erase them",
    "exists": "Shopify orders to erase them, and has them still",
}


@click.group("removals")
def command() -> None:
    """A mass disappearance that was held: nothing is removed until you say so.

    Held are customers with a record in another system who are gone from Shopify, when they are
    more than 20 and more than 2 % within an hour, or in one pass over both systems.
    """


def _with_owner(action: Any, *, complete: bool = False) -> Any:
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    return run_logged(with_owner(read_config(complete=complete), Role.OFFLINE, action))


async def _held(client: Any, most: int | None = None) -> tuple[list[dict[str, Any]], int]:
    """Up to `most` rows, and how many are held."""
    rows: list[dict[str, Any]] = []
    while True:
        after = rows[-1]["shopify_customer_id"].rpartition("/")[2] if rows else "0"
        page = await client.get("/control/removals", {"after": after})
        rows += page["removals"]
        if not page["removals"] or (most is not None and len(rows) >= most):
            return rows[:most], page["held"]


@command.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@json_lines
def list_(limit: int, as_json: bool) -> None:
    """Who is held, by Shopify customer id."""
    rows, held = _with_owner(lambda client: _held(client, limit))
    if as_json:
        print_rows(rows)
        return
    if not rows:
        click.echo("Nobody is held.")
        return
    shown = [
        (row["shopify_customer_id"].rpartition("/")[2], _CAUSES[row["cause"]], row["noticed_at"])
        for row in rows
    ]
    table("", ("customer", "cause", "noticed"), shown)
    click.echo(
        f"{held} held. `removals confirm` removes them from the other systems, `removals "
        "drop` keeps their records."
    )


_id_option = click.option(
    "--id", "ids", multiple=True, type=Customer(), metavar="CUSTOMER", help="Only this one."
)
_dry_run = click.option("--dry-run", is_flag=True, help="Only say how many there are.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@command.command("confirm")
@_id_option
@_dry_run
@_yes
def confirm(ids: tuple[int, ...], dry_run: bool, yes: bool) -> None:
    """They are gone indeed: `serve` removes them from the other systems.

    Each is looked for in Shopify once more; whoever is there again stays.
    """
    question = "Remove the records of these {} customers from Smaregi and the CRM?"
    count = _decide("confirm", ids, question, dry_run=dry_run, yes=yes)
    if count is not None:
        click.echo(f"{count} confirmed; `serve` looks each up once more, and removes them.")


@command.command("drop")
@_id_option
@_dry_run
@_yes
def drop(ids: tuple[int, ...], dry_run: bool, yes: bool) -> None:
    """They are not gone: their records stay as they are.

    They are left alone until they are seen in Shopify again; an order to erase is not carried out.
    """
    question = "Keep the records of these {} customers?"
    count = _decide("drop", ids, question, dry_run=dry_run, yes=yes)
    if count is not None:
        click.echo(f"{count} dropped: their records stay.")


def _decide(
    what: str, ids: tuple[int, ...], question: str, *, dry_run: bool, yes: bool
) -> int | None:
    """The number of those decided; None where nothing was done."""
    rows, _ = _with_owner(_held)
    held = [int(row["shopify_customer_id"].rpartition("/")[2]) for row in rows]
    chosen = [each for each in held if not ids or each in ids]
    if not chosen:
        click.echo("Nobody is held." if not ids else "None of these is held.")
        return None
    if dry_run:
        click.echo(f"Dry run: nothing was done; `removals {what}` would take {len(chosen)}.")
        return None
    if not yes:
        click.confirm(question.format(len(chosen)), abort=True)
    done = _with_owner(
        lambda client: client.post(f"/control/removals/{what}", {"ids": chosen}),
        complete=what == "confirm",
    )
    count: int = done["count"]
    return count
