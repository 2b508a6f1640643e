"""duplicates merge|link|unlink."""

import sys
from typing import Any

import click

from gateway.cli.duplicates.listing import pair_arguments, side_by_side
from gateway.cli.parameters import Customer

__all__ = ["link", "merge", "unlink"]

_MEMBER = click.IntRange(1, (1 << 63) - 1)


def _with_owner(action: Any) -> None:
    from gateway.app import Role  # noqa: PLC0415
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    run_logged(with_owner(read_config(complete=True), Role.COMMAND, action))


def _carry_out(path: str, request: dict[str, Any]) -> None:
    """Show each step as it is done; exit with the code of the end."""
    end: dict[str, Any] = {}

    async def go(client: Any) -> None:
        async for event in client.stream(path, request):
            if event["event"] == "step":
                click.echo(f"- {event['text']}")
            else:
                end.update(event)

    _with_owner(go)
    click.echo(end["text"], err=bool(end["code"]))
    sys.exit(end["code"])


def _looked_at(path: str, request: dict[str, Any]) -> dict[str, Any]:
    """What would be done; exit with the code where it cannot be."""
    found: dict[str, Any] = {}

    async def look(client: Any) -> None:
        found.update(await client.post(path, request))

    _with_owner(look)
    if found["code"]:
        click.echo(found["text"], err=True)
        sys.exit(found["code"])
    return found


@click.command("link")
@click.argument("customer", type=Customer(), metavar="CUSTOMER")
@click.argument("member", type=_MEMBER, metavar="MEMBER")
def link(customer: int, member: int) -> None:
    """An online customer is this store member.

    CUSTOMER is the id in Shopify, MEMBER the one in Smaregi (not the number on the card). Also
    where the gateway did not dare to decide (`conflict`), or kept the two apart.
    """
    _carry_out("/control/duplicates/link", {"customer": customer, "member": member})


@click.command("unlink")
@click.argument("customer", type=Customer(), metavar="CUSTOMER")
@click.option("--no-new-member", is_flag=True, help="None now; their next change makes one.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def unlink(customer: int, no_new_member: bool, dry_run: bool, yes: bool) -> None:
    """An online customer is not the store member that they are linked to.

    The member has its old number again, and nothing links the two any more. The customer gets a
    member of their own.
    """
    request = {"customer": customer, "new_member": not no_new_member}
    for line in _looked_at("/control/duplicates/unlink/look", request)["lines"]:
        click.echo(line)
    if dry_run:
        click.echo("Dry run: nothing was done.")
        return
    if not yes:
        click.confirm(f"Unlink customer {customer}?", abort=True)
    _carry_out("/control/duplicates/unlink", request)


@click.command("merge")
@pair_arguments
@click.option("--survivor", type=_MEMBER, metavar="ID", help="Which of the two stays.")
@click.option("--dry-run", is_flag=True, help="Only show both and say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--points-settled",
    is_flag=True,
    help="After a merge stopped over its points: you have put them right in Smaregi, go on.",
)
def merge(
    one: int, other: int, survivor: int | None, dry_run: bool, yes: bool, points_settled: bool
) -> None:
    """Two store members are one person: make them one. A and B are their ids in Smaregi.

    Points go to the one that survives; the other one gets status 4 and a note of where it went.
    """
    request = {"one": one, "other": other, "survivor": survivor}
    found = _looked_at("/control/duplicates/merge/look", request)
    _explain(found)
    if dry_run:
        click.echo("Dry run: nothing was done.")
        return
    if found.get("begun") != "done" and not yes:
        click.confirm(f"Merge {found['absorbed']} into {found['survivor']}?", abort=True)
    agreed = {**request, "survivor": found["survivor"], "points_settled": points_settled}
    _carry_out("/control/duplicates/merge", agreed)


def _explain(found: dict[str, Any]) -> None:
    survivor, absorbed, points = found["survivor"], found["absorbed"], found["points"]
    if "begun" in found:
        if found["begun"] != "done":
            click.echo(f"The merge of {absorbed} into {survivor} was begun ({points} points).")
        return
    side_by_side(found)
    click.echo(f"\n{survivor} survives, since {found['why']}.")
    if points:
        balance = found["balance"]
        click.echo(f"{points} points go to it: {balance} + {points} = {balance + points}.")
    else:
        click.echo(f"{absorbed} has no points to move.")
    if found["moves_link"]:
        click.echo(
            f"The link and the number of customer {found['moves_link']} go to it; {absorbed} has "
            "its old number again."
        )
    click.echo(f"{absorbed} gets status 4 (merged), and the note 統合先: {survivor}.")
    click.echo("Name, address and the rest of the survivor stay as they are. It is not undone.")
