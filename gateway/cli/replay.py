"""replay: a person sends persisted deliveries again."""

import sys
from collections import Counter
from typing import Any, assert_never

import click

from gateway.cli.filters import Filter, filter_options
from gateway.cli.output import json_lines, print_json, table
from gateway.cli.progress import progress_bar
from gateway.outcomes import PARTIAL, Outcome

__all__ = ["command"]


def _meaning(outcome: Outcome) -> str:
    """Of a delivery that was tried, as it stands now."""
    match outcome:
        case Outcome.DELIVERED:
            return "the channel has the customer now"
        case Outcome.RETRYING:
            return "failed again for a passing reason; the worker goes on"
        case Outcome.FAILED:
            return "needs a person: see `deliveries list --outcome failed`"
        case Outcome.DISCARDED:
            return "the customer is gone from Shopify"
        case Outcome.PENDING:
            return "changed meanwhile: the worker sends it again"
        case Outcome.HELD | Outcome.SKIPPED | Outcome.DRY_RUN:
            return ""
    assert_never(outcome)


_MEANING = {outcome.value: _meaning(outcome) for outcome in Outcome} | {
    "left": "the flag or its percentage keeps it back: stays as it is",
    "waiting": "Shopify could not be read: stays for later",
    "too_late": "older than EMAIL_MAX_AGE: name it with `--id` or `--error-class too_late`",
    "busy": "being tried by the worker right now",
    "would_send": "nothing was sent: without --dry-run it would be tried",
}
_NOT_WELL = {*PARTIAL, "waiting"}


def _rate(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    text = value.removesuffix("/s")
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 10_000:
        raise click.BadParameter("should be a number a second, such as 5/s")
    return rate


@click.command("replay")
@filter_options
@click.option("--limit", type=click.IntRange(min=1), help="At most so many deliveries.")
@click.option("--rate", callback=_rate, metavar="N/s", help="At most so many a second.")
@click.option("--concurrency", type=click.IntRange(1, 64), default=8, show_default=True)
@click.option("--dry-run", is_flag=True, help="Only say what would be tried.")
@click.option("--recreate", is_flag=True, help="Make contacts anew that are gone from HubSpot.")
@json_lines
def command(chosen: Filter, as_json: bool, **options: Any) -> None:
    """Try persisted deliveries again: retrying, failed, and held ones whose flag is on.

    Without options: all of them. Nothing that was delivered is sent twice.
    """
    from gateway.app import Role  # noqa: PLC0415 - --help stays quick
    from gateway.cli.run import read_config, run_logged, with_owner  # noqa: PLC0415

    live = read_config(complete=True)
    replaying = _Replaying({**chosen, **options}, as_json)
    run_logged(with_owner(live, Role.COMMAND, replaying.go))
    replaying.summary()
    if any(replaying.counts[result] for result in _NOT_WELL):
        sys.exit(1)


class _Replaying:
    """One replay, possibly with several owners of the file one after another."""

    def __init__(self, request: dict[str, Any], as_json: bool) -> None:
        self._request = request
        self._as_json = as_json
        self._began: int | None = None
        self.counts: Counter[str] = Counter()
        self.by_channel: Counter[tuple[str, str]] = Counter()

    async def go(self, client: Any) -> None:
        request = {**self._request, "began": self._began}
        if request.get("limit"):
            request["limit"] -= sum(self.counts.values())
            if request["limit"] <= 0:
                return
        with progress_bar("replaying", wanted=not self._as_json) as bar:
            async for event in client.stream("/control/replay", request):
                match event["event"]:
                    case "start":
                        self._began = event["began"]
                        bar.begin(event["total"])
                    case "delivery":
                        self._count(event)
                        bar.advance()

    def _count(self, event: dict[str, Any]) -> None:
        self.counts[event["result"]] += 1
        self.by_channel[event["channel"], event["result"]] += 1
        if self._as_json:
            print_json({key: value for key, value in event.items() if key != "event"})

    def summary(self) -> None:
        if self._as_json:
            return
        if not self.counts:
            click.echo("Nothing to replay.")
            return
        table(
            "Replay (dry run: nothing was sent)" if self._request.get("dry_run") else "Replay",
            ("channel", "result", "deliveries", "meaning"),
            [
                (channel, result, number, _MEANING.get(result, ""))
                for (channel, result), number in sorted(self.by_channel.items())
            ],
        )
