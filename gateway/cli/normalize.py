"""normalize: lines of JSON in, lines of JSON out; no configuration, no network, no database."""

import os
import sys
from collections.abc import Iterator

import click

__all__ = ["command"]

_CHUNK = 64 * 1024
_LONGEST = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


@click.command("normalize")
def command() -> None:
    """Show what each system would get, without sending anything.

    Reads lines of JSON from standard input: the fields of a registration, all or some of them, or
    {"text": "one address line"}. Writes one line of JSON for each, in order; blank lines are
    skipped. Exit code 1 if a line was no JSON object.
    """
    from gateway.cli.output import json_line  # noqa: PLC0415
    from gateway.http.forms.normalized import NotJsonError, normalized  # noqa: PLC0415 - --help is quick

    def answer(number: int, line: bytes | None) -> tuple[bytes, bool]:
        message = "the line is over 1 MiB"
        if line is not None:
            try:
                return json_line(normalized(line)), True
            except NotJsonError as error:
                message = str(error).replace("The body", "the line")
        return json_line({"line": number, "errors": [{"field": "", "message": message}]}), False

    if sys.stdin is not None and sys.stdin.isatty():
        click.echo("Reading lines of JSON; Ctrl-D ends.", err=True)
    understood = True
    for batch in _batches():
        answers = [answer(number, line) for number, line in batch]
        understood = understood and all(ok for _, ok in answers)
        if not _written(b"".join(text for text, _ in answers)):
            return
    if not understood:
        sys.exit(1)


Batch = list[tuple[int, bytes | None]]
"""Numbered lines; None in place of one that is too long."""


def _batches() -> Iterator[Batch]:
    """The lines that have come so far, so that an answer never waits for the next line."""
    number, rest, too_long = 0, b"", False
    while chunk := _read():
        *lines, rest = (rest + chunk).split(b"\n")
        batch: Batch = []
        for line in lines:
            number += 1
            batch += _one(number, None if too_long or len(line) > _LONGEST else line)
            too_long = False
        if len(rest) > _LONGEST:
            too_long, rest = True, b""
        yield batch
    if rest or too_long:
        yield _one(number + 1, None if too_long else rest)


def _one(number: int, line: bytes | None) -> Batch:
    text = None if line is None else line.removeprefix(_BOM).strip()
    return [] if text == b"" else [(number, text)]


def _read() -> bytes:
    try:
        return os.read(0, _CHUNK)
    except OSError as error:
        raise click.UsageError(f"standard input cannot be read: {error.strerror}") from None


def _written(text: bytes) -> bool:
    """False once nobody reads any more (`| head`), which is no failure."""
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is left in the buffer must go somewhere when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return False
        raise click.ClickException(f"standard output: {error.strerror}") from None
    return True
