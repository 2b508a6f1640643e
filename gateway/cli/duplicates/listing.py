"""duplicates list|show|reject."""

from typing import Any

import click

from gateway.cli.output import json_lines, json_object, print_json, print_rows, table
from gateway.cli.wrapping import say

__all__ = ["list_", "pair_arguments", "reject", "show", "side_by_side"]

_MEMBER = click.IntRange(min=1)


def pair_arguments(function: Any) -> Any:
    """The two members of a pair, by their ids in Smaregi."""
    for name in ("other", "one"):
        function = click.argument(name, type=_MEMBER, metavar=_METAVAR[name])(function)
    return function


_METAVAR = {"one": "A", "other": "B"}


def _with_owner(action: Any, *, calls_smaregi: bool = False) -> Any:
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    role = Role.COMMAND if calls_smaregi else Role.OFFLINE
    return run_logged(with_owner(read_config(complete=calls_smaregi), role, action))


@click.command("list")
@click.option("--all", "every_state", is_flag=True, help="Rejected and merged ones too.")
@click.option("--min-score", type=int, metavar="POINTS", help="Only from so many points.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@json_lines
def list_(every_state: bool, min_score: int | None, limit: int, as_json: bool) -> None:
    """Possible duplicates, the likeliest first."""
    rows: list[dict[str, Any]] = []
    waiting: list[int] = []
    query = ({"all": "1"} if every_state else {}) | (
        {} if min_score is None else {"min_score": str(min_score)}
    )

    async def read(client: Any) -> None:
        rows.clear()
        cursor: dict[str, str] = {}
        while len(rows) < limit:
            page = query | cursor | {"limit": str(min(1000, limit - len(rows)))}
            answer = await client.get("/control/duplicates", page)
            rows.extend(answer["duplicates"])
            waiting[:] = [answer["waiting"]]
            if answer["next_cursor"] is None:
                return
            cursor = {"cursor": answer["next_cursor"]}

    _with_owner(read)
    if as_json:
        print_rows(rows)
    else:
        _show_rows(rows, every_state=every_state)
    if waiting[0]:
        click.echo(f"{waiting[0]} members are still to be looked at: ask again later.", err=True)


def _show_rows(rows: list[dict[str, Any]], *, every_state: bool) -> None:
    if not rows:
        click.echo("No possible duplicates.")
        return
    columns = ["score", "A", "B", "customer", "why"]
    cells = [
        [
            row["score"],
            *row["members"],
            _customers(row),
            ", ".join(_shown(reason) for reason in row["reasons"]),
        ]
        for row in rows
    ]
    if every_state:
        columns.append("state")
        for line, row in zip(cells, rows, strict=True):
            line.append(row["state"])
    table("", columns, cells)
    click.echo("See one side by side: python main.py duplicates show A B")


def _shown(reason: dict[str, Any]) -> str:
    return ("but " if reason["points"] < 0 else "") + str(reason["words"])


def _customers(row: dict[str, Any]) -> str:
    """The online customers; with a letter where both members have one."""
    named = [
        (letter, gid.rpartition("/")[2])
        for letter, gid in zip("AB", row["shopify_customer_ids"], strict=True)
        if gid is not None
    ]
    return " ".join(f"{letter}:{number}" for letter, number in named)


@click.command("show")
@pair_arguments
@json_object
def show(one: int, other: int, as_json: bool) -> None:
    """Two members side by side, as Smaregi has them now. A and B are their ids there."""
    found: dict[str, Any] = {}

    async def read(client: Any) -> None:
        found.update(await client.get(f"/control/duplicates/{one}/{other}"))

    _with_owner(read, calls_smaregi=True)
    if as_json:
        print_json(found)
        return
    side_by_side(found)
    _why(found)


_SIGNS = {"same": "=", "alike": "≈", "different": "≠", "on one side only": "·"}
_STATES = {
    "open": (
        "A person has to decide: `duplicates merge A B` if they are one person, "
        "`duplicates reject A B` if they are two."
    ),
    "rejected": "A person said that these are two people.",
    "merged": "These two were merged.",
    None: "These two are not on the list.",
}


def side_by_side(found: dict[str, Any]) -> None:
    """The table of two members; `found` as the control socket sends them."""
    one, other = found["members"]
    ids = [(gid or "").rpartition("/")[2] for gid in found["shopify_customer_ids"]]
    rows = [("online customer", *ids, "")]
    rows += [
        (line["field"], *_cells(line), _SIGNS.get(line["mark"], "")) for line in found["fields"]
    ]
    table("", ("", f"A = {one}", f"B = {other}", ""), rows)
    click.echo("= the same   ≈ written otherwise, or one house   ≠ different   · on one side")


def _cells(line: dict[str, Any]) -> list[str]:
    """What the customer says otherwise stands below what the member has."""
    both = zip(line["values"], line["online"], strict=True)
    return [f"{value}\n(online: {said})".strip() if said else value for value, said in both]


def _why(found: dict[str, Any]) -> None:
    lines = [(f"{reason['points']:+d}", reason["words"]) for reason in found["reasons"]]
    if lines:
        table("", ("points", "why"), [*lines, (found["score"], "in all")])
    else:
        click.echo("Nothing that counts is the same.")
    say(_STATES[found["state"]])


@click.command("reject")
@pair_arguments
def reject(one: int, other: int) -> None:
    """These are two people: the pair is not shown again. A and B are ids in Smaregi."""

    async def post(client: Any) -> None:
        await client.post(f"/control/duplicates/{one}/{other}/reject")

    _with_owner(post)
    click.echo(f"{one} and {other} are not shown again.")
