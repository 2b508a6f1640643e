"""database restored: it was put back to an older state by other means than `restore`."""

from typing import Any

import click

from gateway.cli.output import json_object, print_json
from gateway.cli.wrapping import say

__all__ = ["command"]


@click.group("database")
def command() -> None:
    """The database as a whole."""


@command.command("restored")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_object
def restored(yes: bool, as_json: bool) -> None:
    """Say that the database was put back to an older state.

    By a copy of the server's files, or a snapshot of the machine; a promoted replica and a dump of
    PostgreSQL are found out by themselves. What may have been done since is marked, so that it is
    not done again by itself. Run it before `serve` is started; `restore` has done it already.
    """
    if not yes:
        click.confirm(
            "Open mails will go only where somebody names them. Was the database put back?",
            abort=True,
            err=True,
        )
    marked = _marked()
    if as_json:
        print_json(marked)
        return
    say(
        f"Marked: {marked['mails']} open mails, which go only if you name them (`replay "
        f"--error-class too_late`), and {marked['merges']} merges of members, which wait until you "
        "have compared the points."
    )
    say("'After a restore' in gateway/docs/operating.md says what else to do.")


def _marked() -> dict[str, Any]:
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    async def go(client: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await client.post("/control/database/restored")
        return answer

    found: dict[str, Any] = run_logged(with_owner(read_config(complete=False), Role.OFFLINE, go))
    return found
