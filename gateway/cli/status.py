"""status: what stands how, on one screen."""

import sys
from typing import Any

import click

from gateway.cli.output import json_object, print_json, size_text, table
from gateway.cli.wrapping import say

__all__ = ["command"]


@click.command("status")
@json_object
@click.option("--ready", is_flag=True, help="Only ask the `serve` of this machine if it is ready.")
def command(as_json: bool, ready: bool) -> None:
    """What works, what is open and why, and what waits.

    Exit code 1 when something needs a person: failed deliveries, refused credentials, another shop
    or account than before, a mass disappearance that is held. Possible duplicates are only counted.
    With --ready, for containers: 0 when it is, or stands by while another gateway is active; 1
    when it is not or does not answer.
    """
    if ready:
        _tell_whether_ready()
        return
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    async def read(client: Any) -> dict[str, Any]:
        found: dict[str, Any] = await client.get("/control/status")
        return found

    found = run_logged(with_owner(read_config(complete=False), Role.OFFLINE, read))
    if as_json:
        print_json(found)
    else:
        _show(found)
    if found["needs_a_person"]:
        sys.exit(1)


def _tell_whether_ready() -> None:
    """As `/readyz` says, at the port of the settings."""
    from gateway.cli.readiness import readiness  # noqa: PLC0415
    from gateway.cli.run import read_config  # noqa: PLC0415

    gateway = read_config(complete=False).current.gateway
    is_ready, text = readiness(gateway.gateway_host, gateway.gateway_port)
    click.echo(text, err=not is_ready)
    sys.exit(0 if is_ready else 1)


def _show(found: dict[str, Any]) -> None:
    database = found["database"]
    serving = "serving" if found["serving"] else "`serve` does not run beside this database"
    say(f"gateway   {found['version']}, {serving}")
    free = database["free_bytes"]
    left = "" if free is None else f", {size_text(free)} free on its disk"
    say(f"database  {database['path']}, {size_text(database['bytes'])}{left}")
    table("Systems", ("system", "state", "since", "why"), map(_system, found["systems"]))
    table("Flags", ("flag", "mode", "percent"), map(_flag, found["flags"]))
    _show_open(found["open"], found["oldest_open_at"])
    for line in _waiting(found):
        say(line)
    for alert in found["alerts"][-3:]:
        say(f"alert     {alert['at']} {alert['text']}", indent=" " * 10)
    for reason in found["needs_a_person"]:
        say(f"needs you {reason}", indent=" " * 10)
    if not found["needs_a_person"]:
        say("nothing needs a person")


def _system(row: dict[str, Any]) -> tuple[object, ...]:
    words = [word for word in (row["error_class"], row["reason"]) if word]
    return row["system"], row["state"], row["since"], ": ".join(words)


def _flag(row: dict[str, Any]) -> tuple[object, ...]:
    percent = None if row["percent"] is None else f"{row['percent']:g}"
    return row["flag"], row["mode"], percent


def _show_open(rows: list[dict[str, Any]], oldest: str | None) -> None:
    if not rows:
        say("open      nothing")
        return
    columns = ("deliveries", "channel", "outcome", "error", "reason")
    shown = [
        (r["count"], r["channel"], r["outcome"], r["error_class"], r["reason"] or r["message"])
        for r in rows[:10]
    ]
    table("Open deliveries", columns, shown)
    if len(rows) > len(shown):
        say(f"{len(shown)} of {len(rows)} causes shown: `deliveries summary` has all.")
    say(f"oldest    {oldest}")


def _waiting(found: dict[str, Any]) -> list[str]:
    members = found["members"]
    state = "complete" if members["complete"] else "being read for the first time"
    as_of = f", as of {members['refreshed_at']}" if members["refreshed_at"] else ""
    last = found["reconciled_at"] or "none since the start"
    return [
        (
            f"waiting   {found['registrations_waiting']} registrations for Shopify, "
            f"{found['webhooks_waiting']} webhooks"
        ),
        f"members   {members['count']}, {state}{as_of}",
        f"last pass {last}",
        (
            f"to judge  {found['duplicates']} possible duplicates, "
            f"{found['removals_held']} held removals"
        ),
        *_points(found["points"]),
    ]


def _points(found: dict[str, Any]) -> list[str]:
    """Nothing where no order was ever noticed, and no points were reserved."""
    if not found["orders"] and not found["reservations"]:
        return []
    reserved = sum(found["reservations"].get(each, 0) for each in ("pending", "active", "closing"))
    parts = [
        f"{count} {word}"
        for count, word in (
            (found["movements"].get("owed", 0) + found["movements"].get("sent", 0), "on their way"),
            (found["movements"].get("stuck", 0), "stuck"),
            (found["orders"].get("waiting", 0), "orders waiting"),
            (found["orders"].get("held", 0), "held"),
            (reserved, "reserved by customers"),
            (found["lacking"], "points lacking"),
        )
        if count
    ]
    return [f"points    {', '.join(parts) or 'nothing is on its way'}"]
