"""The lock files hold what the project asks for, each by its hash."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
TEST = [*PROJECT["dependencies"], *EXTRAS["test"], *EXTRAS["dev"]]


def locked(path: str) -> dict[str, str]:
    """Name -> version; every one of them with a hash at least."""
    text = (ROOT / path).read_text("utf-8")
    found = re.findall(
        r"^([\w.-]+)==(\S+)[^\\\n]*\\\n((?:    --hash=sha256:\w{64}.*\n)+)", text, re.MULTILINE
    )
    assert len(found) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))
    return {canonicalize_name(name): version for name, version, _ in found}


@pytest.mark.parametrize(
    ("path", "asked"),
    [("requirements.lock", PROJECT["dependencies"]), (".ci/test.lock", TEST)],
)
def test_a_lock_file_has_every_dependency_within_its_bounds(path: str, asked: list[str]) -> None:
    versions = locked(path)
    for one in map(Requirement, asked):
        assert versions.get(canonicalize_name(one.name), "0") in one.specifier, one


def test_shop_and_tests_have_the_same_versions() -> None:
    tested = locked(".ci/test.lock")
    assert locked("requirements.lock").items() <= tested.items()


@pytest.mark.parametrize("asked", [*TEST, *(ROOT / ".ci/audit.in").read_text("utf-8").split()])
def test_every_dependency_has_an_upper_bound(asked: str) -> None:
    assert any(each.operator in {"<", "<=", "=="} for each in Requirement(asked).specifier)


def test_no_address_stands_in_a_lock_file() -> None:
    for path in ("requirements.lock", ".ci/test.lock", ".ci/audit.lock"):
        assert "://" not in (ROOT / path).read_text("utf-8")
