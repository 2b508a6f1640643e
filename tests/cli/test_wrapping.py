"""At 80 columns what somebody may copy stays in one piece, and no sentence is cut short."""

import importlib
import re

import click
import pytest
from click.testing import CliRunner

from gateway.cli import COMMANDS, backfill, replay
from gateway.cli.output import table
from gateway.cli.wrapping import joined, say
from tests.cli.test_usage import _commands

QUOTED = re.compile(r"`[^`]+`")


def _command(typed: tuple[str, ...]) -> click.Command:
    command: click.Command = importlib.import_module(f"gateway.cli.{typed[0]}").command
    for name in typed[1:]:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


def _help(command: click.Command) -> str:
    return CliRunner().invoke(command, ["--help"], terminal_width=80).output


@pytest.mark.parametrize("typed", _commands(), ids=" ".join)
def test_help_breaks_no_command_and_cuts_no_sentence(typed: tuple[str, ...]) -> None:
    command = _command(typed)
    shown = _help(command)
    told = [command.help or "", *(getattr(each, "help", None) or "" for each in command.params)]
    for text in told:
        for quoted in QUOTED.findall(text):
            assert " ".join(quoted.split()) in shown
    assert not re.search(r"\.\.\.$", shown.partition("\n")[2], re.MULTILINE)
    assert max(map(len, shown.splitlines())) <= 80
    assert set(COMMANDS) >= {typed[0]}


@click.command()
@click.option("--wide", help="With a line that is long enough to end in `the middle of it all`.")
def _example() -> None:
    """Words that fill most of this line before there comes `a command --with an-option`, and more.

    And once more, so that the text is broken at another place: `another command of four words`.
    """


def test_a_quoted_command_moves_to_the_next_line_whole() -> None:
    shown = _help(_example)
    for quoted in ("`a command --with an-option`", "`another command of four words`"):
        assert quoted in shown
    assert "`the middle of it all`" in shown


def test_a_tables_cell_keeps_its_command_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    meanings = [*replay._MEANING.values(), *backfill._MEANING.values()]
    table(
        "",
        ("channel", "result", "deliveries", "meaning"),
        [("smaregi", "x", 1, m) for m in meanings],
    )
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert max(map(len, shown.splitlines())) <= 80
    for meaning in meanings:
        for quoted in QUOTED.findall(meaning):
            assert quoted in shown


def test_a_long_line_for_people_is_wrapped_for_them_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "  - " + "word " * 14 + "`duplicates merge A B` " + "word " * 9
    say(text)
    assert capsys.readouterr().out == text + "\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    say(text, indent="    ")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("    `duplicates merge A B`")


def test_only_what_is_quoted_is_joined() -> None:
    assert joined("a b") == "a b"
    assert " " not in joined("`a b`")
