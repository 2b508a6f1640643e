"""What is in the tree can be read by anybody, on any machine."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {
    "gateway",
    "flags",
    "tests",
    "main.py",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "requirements.lock",
}
_IGNORED = {"__pycache__", ".git", ".venv", "build", "dist"}
# Character classes keep these patterns from finding themselves.
_MACHINE = re.compile(r"(?<![\w.:/~-])/([w]ork|[r]oot|[h]ome|[U]sers|[t]mp)/\w")
_REGISTRY = re.compile(
    r"[p]ypi\.org|[p]ythonhosted\.org|[n]pmjs\.org|[a]rtifactory|[n]exus\.|--?[i]ndex-url"
    r"|[e]xtra-index|[p]roxy\.golang"
)


def _files() -> list[Path]:
    """What git has or would take; without git everything but caches."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        listed = subprocess.run(
            [git, "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=ROOT, capture_output=True, check=True,
        ).stdout.decode()  # fmt: skip
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return [
        path
        for name in (*TOP, ".env.example", ".ci", ".gitignore")
        for path in [ROOT / name, *(ROOT / name).rglob("*")]
        if path.is_file() and not _IGNORED.intersection(path.parts) and path.suffix != ".pyc"
    ]


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


@pytest.mark.parametrize("pattern", [_MACHINE, _REGISTRY], ids=["machine", "registry"])
def test_no_file_names_a_path_of_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in _files()
        for match in pattern.finditer(_text(path))
    }
    assert found == set()


def test_the_top_level_is_what_the_readme_says() -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in _files()}
    assert {name for name in tops if not name.startswith(".")} == TOP


def test_no_database_secret_or_env_is_tracked() -> None:
    wrong = re.compile(r"(^|/)\.env$|\.db(-wal|-shm|\.lock|\.sock|\.secret)?$")
    assert [p.name for p in _files() if wrong.search(p.relative_to(ROOT).as_posix())] == []
