"""shop accept: another shop, Smaregi contract or HubSpot account, on purpose."""

import sys
from typing import Any

import click

from gateway.cli.output import json_lines, print_rows, table

__all__ = ["command"]

_STATES = {
    "same": "as before",
    "another": "ANOTHER ONE",
    "new": "written down at its first use",
    "silent": "does not say who it is",
    "unknown": "cannot be asked now",
}


@click.group("shop")
def command() -> None:
    """The shop, Smaregi contract and HubSpot account that the gateway works for."""


@command.command("accept")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only show what would be accepted.")
@json_lines
def accept(yes: bool, dry_run: bool, as_json: bool) -> None:
    """Another shop, contract or account than before, on purpose.

    Of Shopify, Smaregi or HubSpot: shows which one it was and which one it is, and asks. What was
    known of the old one is forgotten here and nothing is changed there, so take a backup first;
    `backfill` brings the new one up to date.
    """
    found = _with_owner(lambda client: client.get("/control/shop"))["systems"]
    if as_json:
        print_rows(found)
    else:
        _show(found)
    another = [one for one in found if one["state"] == "another"]
    others = {one["system"]: one["now"] for one in another}
    if not others or dry_run:
        if not as_json:
            click.echo("Dry run: nothing was done." if others else "There is nothing to accept.")
        sys.exit(_unknown(found))
    if not as_json:
        for one in another:
            click.echo(one["forgets"])
    if not yes:
        click.confirm("Accept?", abort=True, err=as_json)
    _with_owner(lambda client: client.post("/control/shop/accept", others))
    click.echo("Accepted. `backfill` brings the systems up to date.", err=as_json)


def _with_owner(action: Any) -> dict[str, Any]:
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    answer: dict[str, Any] = run_logged(
        with_owner(read_config(complete=True), Role.OFFLINE, action)
    )
    return answer


def _show(found: list[dict[str, Any]]) -> None:
    rows = [
        (one["title"], one["before"] or "", one["now"] or "", one["error"] or _STATES[one["state"]])
        for one in found
    ]
    table("", ("", "before", "now", ""), rows)


def _unknown(found: list[dict[str, Any]]) -> int:
    return int(any(one["state"] == "unknown" for one in found))
