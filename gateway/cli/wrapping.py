"""Lines that are wrapped keep what somebody may copy in one piece: whatever is in backquotes."""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable

import click

__all__ = ["Commands", "Formatter", "joined", "say", "split"]

_QUOTED = re.compile(r"`[^`]+`")
_WHOLE = str.maketrans({" ": "\ue000", "\n": "\ue000", "-": "\ue001"})
"""Characters at which a line may be broken -> what stands for them meanwhile, as wide."""
_AGAIN = str.maketrans({"\ue000": " ", "\ue001": "-"})


def joined(text: str) -> str:
    """`text` whose quoted parts cannot be broken; `split` puts their characters back."""
    return _QUOTED.sub(lambda found: " ".join(found[0].split()).translate(_WHOLE), text)


def split(text: str) -> str:
    return text.translate(_AGAIN)


def say(text: str, *, indent: str = "", err: bool = False) -> None:
    """On a terminal in lines of its width, those after the first behind `indent`; else as it is."""
    is_terminal = (sys.stderr if err else sys.stdout).isatty()
    click.echo(_wrapped(text, indent) if is_terminal else text, err=err)


def _wrapped(text: str, indent: str) -> str:
    width = max(40, shutil.get_terminal_size().columns)
    lines = textwrap.wrap(
        joined(text),
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return split("\n".join(lines))


class Formatter(click.HelpFormatter):
    """Of every --help."""

    def write_text(self, text: str) -> None:
        super().write_text(joined(text))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        super().write_dl([(name, joined(text)) for name, text in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        return split(super().getvalue())


class Commands(click.Group):
    """Lists its commands with the whole first sentence of each, however long."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        commands = [(name, self.get_command(ctx, name)) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl([(n, c.get_short_help_str(1000)) for n, c in commands if c])
