"""webhooks install: makes the subscriptions in Shopify that are missing."""

import sys

import click

from gateway.cli.output import json_lines, print_rows, table
from gateway.cli.wrapping import Commands

__all__ = ["command"]


@click.group("webhooks", cls=Commands)
def command() -> None:
    """Webhooks: how changes made elsewhere reach the gateway."""


@command.command("install")
@json_lines
def install(as_json: bool) -> None:
    """Make the subscriptions in Shopify that are missing, to GATEWAY_PUBLIC_URL.

    What is there already stays as it is, so it may be run at any time. The privacy topics and
    Smaregi's webhook are set in their own consoles; see 'Webhooks' in
    gateway/docs/operating.md.
    """
    from gateway.app.checks import install_webhooks, wanted_topics  # noqa: PLC0415
    from gateway.cli.run import read_config, run_logged  # noqa: PLC0415

    live = read_config(complete=True)
    found, topics = run_logged(install_webhooks(live)), wanted_topics(live)
    rows = [(topics[each.topic], each.state, each.detail) for each in found]
    if as_json:
        print_rows({"topic": t, "state": s, "detail": d} for t, s, d in rows)
    else:
        table("", ("topic", "state", "what was found"), rows)
    if any(each.state == "failed" for each in found):
        sys.exit(1)
