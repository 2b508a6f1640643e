"""The filter options that `replay` and `deliveries` share."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from gateway.cli.parameters import Customer

__all__ = ["Filter", "channel_option", "filter_options"]

_ROOMS = Path(__file__).parents[1] / "channels"


def _rooms() -> list[str]:
    """The names of the channels, by their rooms: nothing is imported, so that --help is quick."""
    return sorted(room.parent.name for room in _ROOMS.glob("*/__init__.py"))


def _in_words(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}."


Filter = dict[str, Any]

CHANNELS = _in_words(_rooms())
OUTCOMES = "delivered, pending, retrying, failed, held, skipped, dry_run or discarded."
ERROR_CLASSES = (
    "connection, timeout, rate_limit, unavailable, auth, invalid_data, duplicate, conflict, "
    "too_late or unexpected."
)
KINDS = "registration, update, backfill or removal."
"""The words of each set; a test holds that none is missing."""


class _Word(click.ParamType[str]):
    """A word of a closed set that is imported only when a command runs: --help stays quick."""

    def __init__(self, name: str, words: Callable[[], list[str]]) -> None:
        self.name = name
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        words = self._words()
        if value not in words:
            self.fail(f"should be one of {', '.join(words)}", param, ctx)
        return str(value)


def _channels() -> list[str]:
    from gateway.channels import ROSTER  # noqa: PLC0415

    return [spec.name for spec in ROSTER]


def _outcomes() -> list[str]:
    from gateway.outcomes import Outcome  # noqa: PLC0415

    return [str(outcome) for outcome in Outcome]


def _error_classes() -> list[str]:
    from gateway.errors import ErrorClass  # noqa: PLC0415

    return [str(error_class) for error_class in ErrorClass]


def _kinds() -> list[str]:
    from gateway.outcomes import Kind  # noqa: PLC0415

    return [str(kind) for kind in Kind]


_OPTIONS = (
    click.option("--channel", multiple=True, type=_Word("channel", _channels), help=CHANNELS),
    click.option("--outcome", multiple=True, type=_Word("outcome", _outcomes), help=OUTCOMES),
    click.option(
        "--error-class", multiple=True, type=_Word("class", _error_classes), help=ERROR_CLASSES
    ),
    click.option("--id", "ids", multiple=True, type=click.IntRange(min=1), help="Delivery id."),
    click.option("--since", metavar="TIME", help="Created at or after, such as 2026-11-21T09:00Z."),
    click.option("--until", metavar="TIME", help="Created at or before."),
    click.option("--customer", type=Customer(), help="Of one Shopify customer."),
    click.option("--registration", metavar="ID", help="Of one registration."),
    click.option("--kind", multiple=True, type=_Word("kind", _kinds), help=KINDS),
    click.option(
        "--reason", metavar="TEXT", help="The upstream's own, as `deliveries summary` shows it."
    ),
)


channel_option = click.option(
    "--channel", required=True, type=_Word("channel", _channels), help=CHANNELS
)
"""One channel, which must be named."""


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets them as the argument `chosen`."""

    @functools.wraps(function)
    def command(
        channel: tuple[str, ...],
        outcome: tuple[str, ...],
        error_class: tuple[str, ...],
        ids: tuple[int, ...],
        since: str | None,
        until: str | None,
        customer: int | None,
        registration: str | None,
        kind: tuple[str, ...],
        reason: str | None,
        **rest: Any,
    ) -> Any:
        chosen = {
            "channel": list(channel),
            "outcome": list(outcome),
            "error_class": list(error_class),
            "id": list(ids),
            "since": since,
            "until": until,
            "customer": customer,
            "registration": registration,
            "kind": list(kind),
        }
        told = {} if reason is None else {"reason": reason}
        return function(chosen={k: v for k, v in chosen.items() if v} | told, **rest)

    for option in reversed(_OPTIONS):
        option(command)
    return command
