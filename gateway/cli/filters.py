"""The filter options that `replay` and `deliveries` share."""

import functools
from collections.abc import Callable
from typing import Any

import click

__all__ = ["Filter", "channel_option", "filter_options"]

Filter = dict[str, Any]


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


_OPTIONS = (
    click.option("--channel", multiple=True, type=_Word("channel", _channels)),
    click.option("--outcome", multiple=True, type=_Word("outcome", _outcomes)),
    click.option("--error-class", multiple=True, type=_Word("class", _error_classes)),
    click.option("--id", "ids", multiple=True, type=click.IntRange(min=1), help="Delivery id."),
    click.option("--since", metavar="TIME", help="Created at or after, such as 2026-11-21T09:00Z."),
    click.option("--until", metavar="TIME", help="Created at or before."),
)


channel_option = click.option(
    "--channel", required=True, type=_Word("channel", _channels), help="smaregi, crm or email."
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
        **rest: Any,
    ) -> Any:
        chosen = {
            "channel": list(channel),
            "outcome": list(outcome),
            "error_class": list(error_class),
            "id": list(ids),
            "since": since,
            "until": until,
        }
        return function(chosen={k: v for k, v in chosen.items() if v}, **rest)

    for option in reversed(_OPTIONS):
        option(command)
    return command
