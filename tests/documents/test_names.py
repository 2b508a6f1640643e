"""The documents name all there is, and nothing that is not."""

import dataclasses
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from flags.flag import variable
from flags.words import ALLOWED_WORDS
from gateway.app.config import FLAGS, known_variables
from gateway.app.misspelt import prefixes
from gateway.channels import Spec
from gateway.cli import COMMANDS
from gateway.errors import ErrorClass
from gateway.http.forms.registration import RegistrationForm
from gateway.http.server import ROOMS
from gateway.outcomes import Kind, Outcome
from gateway.sandbox import KINDS, SYSTEMS
from gateway.telemetry.metrics import Metrics
from gateway.wording import Code, NoticeCode
from tests.documents.reading import DOCUMENTS, ENGLISH, ROOT, text

README = text(ROOT / "README.md")
OPERATING = text(ROOT / "gateway/docs/operating.md")
STOREFRONT = text(ROOT / "gateway/docs/storefront.md")
ALL = "\n".join(map(text, DOCUMENTS))
FLAG_VARIABLES = [variable(f) + end for f in FLAGS for end in ("", "_PERCENT", "_ALLOW")]
ROUTES = [
    f"{route.method} {route.path}"
    for part in ROOMS
    for route in part.routes
    if hasattr(route, "path") and hasattr(route, "method")
]
_PROBLEM = re.compile(r'\bproblem\(\s*\w+,\s*"([a-z-]+)"')


def _commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command: click.Command = importlib.import_module(f"gateway.cli.{name}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", each) for sub, each in command.commands.items())
        else:
            yield name, command


def _options() -> set[str]:
    return {
        option
        for _, command in _commands()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }


def _metrics() -> list[str]:
    """As Prometheus sees them: a counter ends in `_total`."""
    return [
        family.name + ("_total" if family.type == "counter" else "")
        for family in Metrics().registry.collect()
    ]


def problem_types() -> set[str]:
    """Those that callers meet: what the owner's socket answers is for our own commands."""
    rooms = ("responses", "http")
    files = [path for room in rooms for path in (ROOT / "gateway" / room).rglob("*.py")]
    return {
        kind
        for path in files
        if "control" not in path.parts
        for kind in _PROBLEM.findall(path.read_text("utf-8"))
    }


@pytest.mark.parametrize(
    "line",
    ["pip install -e . && python main.py demo", "pip install -e '.[test]' && pytest"],
)
def test_the_two_commands_of_a_fresh_machine_are_there(line: str) -> None:
    assert re.search(rf"^{re.escape(line)}$", README, re.MULTILINE)
    assert "python3 -m venv" in README


@pytest.mark.parametrize("command", [name for name, _ in _commands()])
def test_every_command_is_named(command: str) -> None:
    assert re.search(rf"`(python main\.py )?{command}\b", ENGLISH)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_line_in_the_readme(command: str) -> None:
    assert re.search(rf"^\| `{command}\b", README, re.MULTILINE)


@pytest.mark.parametrize("option", sorted(_options()))
def test_every_option_is_named(option: str) -> None:
    assert re.search(rf"(?<![\w-]){option}(?![\w-])", ENGLISH)


def test_no_command_or_option_is_named_that_does_not_exist() -> None:
    typed = set(re.findall(r"python (?:main\.py|-m gateway) ([a-z]+)", ALL))
    assert typed == set(COMMANDS)
    foreign = {
        "--no-deps",
        "--require-hashes",
        "--every",
        "--gateways",
        "--now",
        "--only",
        "--default-non-nullable",
    }
    foreign |= {"--system", "--home-dir", "--no-create-home", "--rm"}
    foreign |= {"--exclude-table-data", "--clean", "--if-exists"}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ALL)) - foreign
    assert named <= _options() | {"--help", "--check"}


@pytest.mark.parametrize("name", sorted(known_variables()) + FLAG_VARIABLES)
def test_every_variable_is_named(name: str) -> None:
    assert re.search(rf"\b{name}\b", OPERATING)


def test_the_beginnings_that_are_watched_are_those_that_the_document_says() -> None:
    (line,) = re.findall(
        r"^- A name that begins with (.+) and belongs to no setting", OPERATING, re.MULTILINE
    )
    assert sorted(re.findall(r"`(\w+)`", line)) == [*prefixes(known_variables())]


@pytest.mark.parametrize("name", RegistrationForm.model_fields)
def test_every_field_of_a_sign_up_is_in_the_table_for_storefronts(name: str) -> None:
    assert re.search(rf"^\| [^|]*`{name}`[^|]* \|", STOREFRONT, re.MULTILINE)


def test_no_variable_is_named_that_does_not_exist() -> None:
    beginnings = "|".join(sorted({name.split("_")[0] for name in known_variables()} | {"FLAG"}))
    named = set(re.findall(rf"\b(?:{beginnings})_[A-Z_]*[A-Z]\b", ALL))
    assert named <= known_variables() | set(FLAG_VARIABLES)


WORDS = [*Outcome, *ErrorClass, *Kind, *Code, *NoticeCode, *_metrics(), *KINDS, *SYSTEMS]


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_a_closed_set_is_named(word: str) -> None:
    assert f"`{word}`" in ENGLISH


def test_no_metric_is_named_that_does_not_exist() -> None:
    named = set(re.findall(r"\bgateway_[a-z_]+", ALL))
    assert named == set(_metrics())


def test_every_word_of_a_flag_is_in_the_table() -> None:
    for word in re.findall(r"[a-z0-9]+[a-z_-]*", ALLOWED_WORDS):
        assert word == "or" or f"`{word}`" in ENGLISH


def test_every_field_of_a_channels_line_in_the_roster_is_explained() -> None:
    for field in dataclasses.fields(Spec):
        assert re.search(rf"^ *\| `{field.name}` \|", ENGLISH, re.MULTILINE)


@pytest.mark.parametrize("route", ROUTES)
def test_every_call_is_named(route: str) -> None:
    fixed = map(re.escape, re.split(r"\{[^}]+\}", route))
    assert re.search("`" + r"\{\w+\}".join(fixed) + "[`?]", ENGLISH)


@pytest.mark.parametrize("kind", sorted(problem_types()))
def test_every_problem_type_is_explained(kind: str) -> None:
    assert re.search(rf"^\| (`[a-z-]+`, )*`{kind}`(, `[a-z-]+`)* \| [45]", ENGLISH, re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_that_is_named_exists(path: Path) -> None:
    """From the top, or from the document's own folder."""
    named = [name for name in _FILE.findall(text(path)) if not _IS_MADE.search(name)]
    lost = [name for name in named if not _exists(name, ROOT, path.parent)]
    assert lost == []


@pytest.mark.parametrize(
    ("folder", "line"),
    [("gateway", r"^\| `(\w+)/` \| \S"), ("tests", r"`tests/(\w+)/`")],
)
def test_every_room_is_on_the_map(folder: str, line: str) -> None:
    rooms = {each.name for each in (ROOT / folder).iterdir() if each.is_dir()}
    named = re.findall(line, text(ROOT / folder / "README.md"), re.MULTILINE)
    assert {room for room in rooms if not room.startswith(("_", "."))} <= {*named}


_FILE = re.compile(r"`((?:gateway|flags|tests|\.ci)/[\w./-]*|[\w./-]+\.(?:py|html|graphql|md))`")

_IS_MADE = re.compile(r"NAME|^build/")
"""By whoever adds a channel, or by `.ci/run`."""


def _exists(name: str, *folders: Path) -> bool:
    return any((folder / name).exists() for folder in folders)
