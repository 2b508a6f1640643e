"""privacy show|erase: what is held about one person."""

import sys
from typing import Any

import click

from gateway.cli.output import json_object, print_json, table
from gateway.cli.wrapping import Commands, say

__all__ = ["command"]

_STATES = {"there": "still there", "gone": "gone", "unknown": "cannot be asked now",
           "sent": "was sent"}  # fmt: skip
_NOT_SHOWN = {"customer_id", "registration_id", "warnings", "problem", "reasons", "message"}
"""Of the table on a terminal; `--json` has them."""


@click.group("privacy", cls=Commands)
def command() -> None:
    """What is held about one person.

    Both are written into the log of actions, with a keyed hash of whoever was named.
    """


_person = click.argument("person", metavar="EMAIL|ID")


@command.command("show")
@_person
@json_object
def show(person: str, as_json: bool) -> None:
    """All that is held about one person, here and in the other systems.

    EMAIL|ID is an e-mail address, a Shopify customer id, or the id of a registration; `-` reads it
    from standard input, so that it is in no history of commands.
    """
    found = _with_owner("/control/privacy/show", _named(person))
    if as_json:
        print_json(found)
    else:
        _show(found)


@command.command("erase")
@_person
@click.option("--dry-run", is_flag=True, help="Only show what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_object
def erase(person: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase what is held about one person here, and say what is left in each system.

    Nothing is changed in any other system. Who is to leave them all is better erased in Shopify:
    the gateway then takes them out of the other systems, and erases them here by itself.
    """
    person = _named(person)
    if dry_run or not yes:
        found = _with_owner("/control/privacy/show", person)
        if as_json and dry_run:
            print_json(found)
        elif not as_json:
            _show(found)
        if dry_run:
            say("Dry run: nothing was done.", err=as_json)
            return
        if any(each["system"] == "shopify" and each["state"] == "there"
               for each in found["elsewhere"]):  # fmt: skip
            say("Shopify still has them. Erased there, they leave the other systems by themselves; "
                "erased here first, the gateway no longer knows which records are theirs.",
                err=as_json)  # fmt: skip
        click.confirm("Erase what is held here?", abort=True, err=as_json)
    done = _with_owner("/control/privacy/erase", person)
    if as_json:
        print_json(done)
    else:
        _tell(done)
    sys.exit(int(bool(done["in_the_way"])))


def _named(person: str) -> str:
    return sys.stdin.readline().strip() if person == "-" else person


def _with_owner(path: str, person: str) -> dict[str, Any]:
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    async def ask(client: Any) -> dict[str, Any]:
        found: dict[str, Any] = await client.post(path, {"person": person})
        return found

    return run_logged(with_owner(read_config(complete=True), Role.COMMAND, ask))


def _show(found: dict[str, Any]) -> None:
    customers = ", ".join(each.rpartition("/")[2] for each in found["shopify_customer_ids"])
    say(f"Shopify customer: {customers or 'none known'}")
    if not found["held"]:
        say("Nothing is held here.")
    for each in found["held"]:
        say(f"\n{each['table']}: {each['what']} (kept {_until(each['kept'])})")
        columns = [name for name in each["rows"][0] if name not in _NOT_SHOWN]
        table("", columns, ([row.get(name) for name in columns] for row in each["rows"]))
    _elsewhere(found)


def _until(kept: str) -> str:
    return kept if kept.startswith(("until", "as long")) else f"for {kept}"


def _elsewhere(found: dict[str, Any]) -> None:
    rows = [(each["system"], each["record"], _STATES[each["state"]]) for each in found["elsewhere"]]
    if rows:
        click.echo()
        table("In the other systems", ("system", "record", ""), rows)
    for system in found["unasked"]:
        say(f"{system} could not be asked now: it may have more.")
    for other in found["other_customers"]:
        say(f"Customer {other.rpartition('/')[2]} signed up with this e-mail and has another one "
            "now: name the id if they are meant.")  # fmt: skip


def _tell(done: dict[str, Any]) -> None:
    if done["in_the_way"]:
        say("Nothing was erased:", err=True)
        for each in done["in_the_way"]:
            say(f"- {each}", indent="  ", err=True)
        return
    gone = ", ".join(f"{name} {count}" for name, count in done["erased"].items())
    say(f"Erased here: {gone or 'nothing'}.")
    for each in done["left"]:
        say(f"- left: {each['table']} {each['rows']}: {each['why']} (kept {_until(each['kept'])})",
            indent="  ")  # fmt: skip
    _elsewhere(done)
    if done["how"]:
        say("\nHow to erase what is left elsewhere:")
    for system, how in done["how"].items():
        say(f"- {system}: {how}", indent="  ")
