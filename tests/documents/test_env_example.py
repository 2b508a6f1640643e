""".env.example names every variable, with its default and a line of explanation."""

import re
from pathlib import Path

import pytest

from flags import Mode
from flags.flag import variable
from gateway.app.config import FLAGS, SECTIONS, load
from gateway.errors import ConfigurationError
from gateway.settings.sources import Sources, read_dotenv

EXAMPLE = Path(__file__).parents[2] / ".env.example"
TEXT = EXAMPLE.read_text("utf-8")
SETTINGS = [each for section in SECTIONS.values() for each in section.variables()]
FLAG_VARIABLES = [variable(f) + end for f in FLAGS for end in ("", "_PERCENT", "_ALLOW")]
ASSIGNMENT = re.compile(r"^#?([A-Z][A-Z_]+)=(.*)$", re.MULTILINE)


@pytest.mark.parametrize(("name", "default", "description"), SETTINGS)
def test_a_setting_has_its_line_of_explanation_and_its_default(
    name: str, default: str, description: str
) -> None:
    mark = "#" if default else ""
    assert f"\n# {description}\n{mark}{name}={default}\n" in TEXT


@pytest.mark.parametrize("name", FLAG_VARIABLES)
def test_a_flag_has_a_line_of_explanation(name: str) -> None:
    assert re.search(rf"\n# \S.+\n{name}=(off)?\n", TEXT)


def test_each_is_named_once_in_the_order_of_the_sections() -> None:
    named = [match[1] for match in ASSIGNMENT.finditer(TEXT)]
    assert named == [name for name, _, _ in SETTINGS] + FLAG_VARIABLES
    titles = re.findall(r"^# ---- (.+) ----$", TEXT, re.MULTILINE)
    assert titles[:-1] == [section.title for section in SECTIONS.values()]


def test_unchanged_it_is_valid_apart_from_missing_credentials(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    copy.write_text(TEXT, "utf-8")
    sources = Sources({}, read_dotenv(copy))
    config = load(sources, complete=False)
    assert config.sections == load(Sources({}, {}), complete=False).sections
    assert {flag.mode for flag in config.flags.flags.values()} == {Mode.OFF}
    assert config.warnings == ()
    with pytest.raises(ConfigurationError) as missing:
        load(sources)
    names = [problem.partition(":")[0] for problem in missing.value.problems]
    assert names == ["SHOPIFY_STORE", "SHOPIFY_ACCESS_TOKEN"]


def test_with_every_default_uncommented_it_means_the_same(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    copy.write_text(re.sub(r"^#(?=[A-Z][A-Z_]+=)", "", TEXT, flags=re.MULTILINE), "utf-8")
    config = load(Sources({}, read_dotenv(copy)), complete=False)
    assert config.sections == load(Sources({}, {}), complete=False).sections
    assert config.warnings == ()
