"""What somebody copies from the documents works."""

import importlib
import json
import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest

from gateway.cli import COMMANDS
from gateway.http.forms.profile_change import read_change
from gateway.http.forms.registration import RegistrationForm, parse_json, read_form
from gateway.responses.bodies import accepted
from tests.documents.reading import DOCUMENTS, ROOT, blocks, text

STOREFRONT = ROOT / "gateway/docs/storefront.md"
TESTS = ROOT / "tests/README.md"
STARTED_BY_OTHERS = {"members"}
_TYPED = re.compile(r"^ *python (?:main\.py|-m gateway) (.+)$", re.MULTILINE)
_SENT = re.compile(r"-d '(.+?)'$", re.MULTILINE | re.DOTALL)


def _typed() -> Iterator[str]:
    for path in DOCUMENTS:
        for block in blocks(path):
            yield from _TYPED.findall(block)


def _bodies(call: str) -> list[bytes]:
    """What the examples of storefront.md that begin like this send."""
    found = [block for block in blocks(STOREFRONT) if call in block]
    return [body.encode() for block in found for body in _SENT.findall(block)]


@pytest.mark.parametrize("line", sorted(set(_typed())))
def test_a_command_that_is_shown_can_be_typed(line: str) -> None:
    words = shlex.split(re.split(r" [<>] ", line)[0], comments=True)
    command: click.Command = importlib.import_module(f"gateway.cli.{words[0]}").command
    assert words[0] in COMMANDS
    while isinstance(command, click.Group):
        command, words = command.commands[words[1]], words[1:]
    command.make_context(words[0], words[1:])


def test_a_registration_that_is_shown_is_accepted() -> None:
    bodies = _bodies("curl -i http://127.0.0.1:8080/v1/registrations")
    assert len(bodies) == 2
    for body in bodies:
        assert read_form(parse_json(body), RegistrationForm).profile().last_name == "山田"


def test_a_profile_change_that_is_shown_is_accepted() -> None:
    (body,) = _bodies("curl -X PATCH")
    assert read_change(parse_json(body)).changes() == {"last_name": "佐藤", "phone": ""}


def test_an_answer_that_is_shown_has_the_fields_of_a_real_one() -> None:
    (shown, *_) = [json.loads(block) for block in blocks(STOREFRONT, "json")]
    (later,) = re.findall(r"^\{.*?\}$", _block_of("202 Accepted"), re.MULTILINE | re.DOTALL)
    real: dict[str, Any] = json.loads(accepted(shown["id"]).body)
    assert list(shown) == list(real)
    assert json.loads(later) == real


def _block_of(words: str) -> str:
    (block,) = [block for block in blocks(STOREFRONT) if words in block]
    return block


def test_every_python_module_that_is_shown_can_be_run() -> None:
    named = set(re.findall(r"python -m (tests\.[\w.]+)", "".join(map(text, DOCUMENTS))))
    assert named
    for name in named:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        path = Path(spec.origin)
        if spec.submodule_search_locations:
            assert path.with_name("__main__.py").is_file()
        else:
            assert "__main__" in path.read_text("utf-8")


def test_every_module_of_the_tests_that_is_run_by_hand_is_in_their_document() -> None:
    runs = [*ROOT.glob("tests/**/__main__.py"), *ROOT.glob("tests/benchmarks/*.py")]
    shown = text(TESTS)
    for path in runs:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        usage = f"python -m {module.removesuffix('.__main__')}"
        if usage in text(path) and path.stem not in STARTED_BY_OTHERS:
            assert f"`{usage}" in shown
