"""backfill: customers in Shopify whom a channel does not have yet."""

import sys
from collections import Counter
from typing import Any, assert_never

import click

from gateway.cli.filters import channel_option
from gateway.cli.output import table
from gateway.cli.progress import Bar, progress_bar
from gateway.outcomes import PARTIAL, Outcome

__all__ = ["Filling", "command"]


def _meaning(outcome: Outcome) -> str:
    """Of a delivery that the run has opened, as it stands now."""
    match outcome:
        case Outcome.DELIVERED:
            return "the channel has them now"
        case Outcome.HELD:
            return "the percentage keeps them back: they go when it lets them through"
        case Outcome.DISCARDED:
            return "gone from Shopify meanwhile, or given up by a person"
        case Outcome.RETRYING:
            return "failed for a passing reason: `serve` tries again, or `replay`"
        case Outcome.PENDING:
            return "changed meanwhile: `serve` sends them again"
        case Outcome.FAILED:
            return "needs a person: see `deliveries list --outcome failed`"
        case Outcome.SKIPPED | Outcome.DRY_RUN:
            return "the flag was changed meanwhile"
    assert_never(outcome)


_MEANING = {
    "has": "the channel has them already",
    "open": "a delivery waits already: see `deliveries list`",
    "would_send": "nothing was sent: without --dry-run they would be",
    **{outcome.value: _meaning(outcome) for outcome in Outcome},
    "lacking": "without what the channel needs of a customer (e-mail, or name): passed over",
    "left": "the flag was changed meanwhile: stays as it is",
}
_NOT_WELL = {*PARTIAL, "left"}


@click.command("backfill")
@channel_option
@click.option("--since", metavar="TIME", help="Made in Shopify then or later: 2026-11-21T09:00Z.")
@click.option("--until", metavar="TIME", help="Made in Shopify then or earlier.")
@click.option("--dry-run", is_flag=True, help="Only count; nothing is written or sent.")
@click.option("--yes-send-mail", is_flag=True, help="With `--channel email`: yes, mail them all.")
def command(**chosen: Any) -> None:
    """Bring to a channel the customers of Shopify whom it does not have yet.

    Whatever the reason: its flag was off or dry_run, or they came before the gateway. A run that
    was broken off goes on where it was when the same command is given again; nobody is sent twice.
    """
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    request = {name: value for name, value in chosen.items() if value}
    live = read_config(complete=True)
    filling = Filling(request)
    filling.refuse(live.current.flags)
    run_logged(with_owner(live, Role.COMMAND, filling.go))
    filling.summary()
    if filling.exit_code:
        sys.exit(filling.exit_code)


class Filling:
    """One backfill, possibly with several owners of the file one after another."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request
        self._before: Counter[str] = Counter()
        self._total: int | None = None
        self._resumed = 0
        self._begun = False
        self.counts: Counter[str] = Counter()
        self.error: str | None = None

    @property
    def exit_code(self) -> int:
        """1 where somebody is not served, or was not looked at."""
        return int(bool(self.error) or any(self.counts[result] for result in _NOT_WELL))

    def refuse(self, flags: Any) -> None:
        """Before anything is opened or read; the file's owner asks its own flags again."""
        from gateway.errors import CommandRefused  # noqa: PLC0415
        from gateway.sync.backfill import BackfillOptions, refusal  # noqa: PLC0415

        asked = {n: v for n, v in self._request.items() if n not in {"since", "until"}}
        reason = refusal(flags, BackfillOptions(**asked))
        if reason is not None:
            raise CommandRefused(reason)

    async def go(self, client: Any) -> None:
        self._before = Counter(self.counts)
        with progress_bar(f"backfill {self._request['channel']}") as bar:
            async for event in client.stream("/control/backfill", self._request):
                self._hear(event, bar)

    def _hear(self, event: dict[str, Any], bar: Bar) -> None:
        match event["event"]:
            case "start":
                self._begin(event)
                bar.begin(self._total, event["done"])
            case "waiting":
                click.echo(f"waiting: {event['message']}", err=True)
            case "progress" | "end":
                self.counts = self._before + Counter(event["counts"])
                self.error = event.get("error")
                bar.reach(event["done"])

    def _begin(self, event: dict[str, Any]) -> None:
        if not self._begun:
            self._begun, self._total, self._resumed = True, event["total"], event["done"]

    def summary(self) -> None:
        if self._resumed:
            click.echo(f"An earlier run had listed {self._resumed} customers; this one went on.")
        if self.counts:
            table(
                f"Backfill of {self._request['channel']}",
                ("result", "customers", "meaning"),
                [
                    (name, self.counts[name], _MEANING[name])
                    for name in _MEANING
                    if self.counts[name]
                ],
            )
            if self._request.get("dry_run"):
                click.echo("A dry run: nothing was written or sent.")
        elif not self.error:
            click.echo("Nobody to backfill.")
        if self.error:
            click.echo(self.error, err=True)
