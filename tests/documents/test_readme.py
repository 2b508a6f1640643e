"""README.md is the product's only document: it names all there is, and nothing that is not."""

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
from gateway.channels import Spec
from gateway.cli import COMMANDS
from gateway.errors import ErrorClass
from gateway.outcomes import Outcome
from gateway.sandbox import KINDS, SYSTEMS
from gateway.telemetry.metrics import Metrics

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
FLAG_VARIABLES = [variable(f) + end for f in FLAGS for end in ("", "_PERCENT", "_ALLOW")]


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


@pytest.mark.parametrize(
    "line",
    ["pip install -e . && python main.py demo", "pip install -e '.[test]' && pytest"],
)
def test_the_two_commands_of_a_fresh_machine_are_there(line: str) -> None:
    assert re.search(rf"^{re.escape(line)}$", README, re.MULTILINE)
    assert "python3 -m venv" in README


@pytest.mark.parametrize("command", [name for name, _ in _commands()])
def test_every_command_is_named(command: str) -> None:
    assert re.search(rf"`(python main\.py )?{command}\b", README)


@pytest.mark.parametrize("option", sorted(_options()))
def test_every_option_is_named(option: str) -> None:
    assert re.search(rf"(?<![\w-]){option}(?![\w-])", README)


def test_no_command_or_option_is_named_that_does_not_exist() -> None:
    typed = set(re.findall(r"python main\.py ([a-z]+)", README))
    assert typed == set(COMMANDS)
    foreign = {"--cov", "--no-deps", "--require-hashes"}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - foreign
    assert named <= _options() | {"--help", "--check"}


@pytest.mark.parametrize("name", sorted(known_variables()) + FLAG_VARIABLES)
def test_every_variable_is_named(name: str) -> None:
    assert re.search(rf"\b{name}\b", README)


def test_no_variable_is_named_that_does_not_exist() -> None:
    prefixes = "|".join(sorted({name.split("_")[0] for name in known_variables()} | {"FLAG"}))
    named = set(re.findall(rf"\b(?:{prefixes})_[A-Z][A-Z_]*[A-Z]\b", README))
    assert named <= known_variables() | set(FLAG_VARIABLES)


@pytest.mark.parametrize("word", [*Outcome, *ErrorClass, *_metrics(), *KINDS, *SYSTEMS])
def test_every_outcome_error_class_metric_and_fault_is_named(word: str) -> None:
    assert f"`{word}`" in README


def test_no_metric_is_named_that_does_not_exist() -> None:
    named = set(re.findall(r"\bgateway_[a-z_]+", README))
    assert named == set(_metrics())


def test_every_word_of_a_flag_is_in_the_table() -> None:
    for word in re.findall(r"[a-z0-9]+[a-z_-]*", ALLOWED_WORDS):
        assert word == "or" or f"`{word}`" in README


def test_every_field_of_a_channels_line_in_the_roster_is_explained() -> None:
    for field in dataclasses.fields(Spec):
        assert re.search(rf"^ *\| `{field.name}` \|", README, re.MULTILINE)


def test_links_within_the_document_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors


def test_every_file_that_is_named_exists() -> None:
    root = Path(__file__).parents[2]
    named = re.findall(r"`((?:gateway|flags|tests|\.ci)/[\w./-]*)`", README)
    assert named
    assert [name for name in named if "NAME" not in name and not (root / name).exists()] == []
