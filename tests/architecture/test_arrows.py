"""Imports point downward, and files stay small."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import gateway

ROOT = Path(gateway.__file__).parents[1]
FILES = sorted(path for name in ("gateway", "flags") for path in (ROOT / name).rglob("*.py"))

LAYERS: tuple[set[str], ...] = (
    {"__main__"},
    {"cli"},
    {"console"},
    {"http"},
    {"app"},
    {"sync", "rotation"},
    {"points"},
    {"registration", "duplicates", "membership", "telemetry"},
    {"delivery"},
    {"channels", "responses"},
    {"matching", "shopify", "alerts"},
    {"store", "wire"},
    {"settings"},
    {"normalize", "card"},
    {"customer", "outcomes", "background", "wording"},
    {"errors"},
)
"""Rooms of gateway/, the highest first: each may import from lower layers only."""

APART = {"sandbox"}
"""Rooms that import nothing else of gateway/; only the commands and the tests use them."""


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room(name: str) -> str:
    """`shopify` of `gateway.shopify.client`; `flags` stands beside them."""
    parts = name.split(".")
    return parts[1] if parts[0] == "gateway" and len(parts) > 1 else parts[0]


def level(name: str) -> int:
    (found,) = [number for number, rooms in enumerate(LAYERS) if name in rooms]
    return found


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules of ours that a file imports, those for type checking alone included."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [full if full in MODULES else node.module for full in whole]
        yield from (name for name in names if name.split(".")[0] in {"gateway", "flags"})


MODULES = {module(path) for path in FILES}


def test_every_room_has_its_place() -> None:
    rooms = {room(module(path)) for path in FILES} - {"gateway", "flags"}
    assert rooms == set().union(*LAYERS) | APART


def test_arrows_run_downward() -> None:
    wrong = [
        f"{module(path)} -> {target}"
        for path in FILES
        for target in imports(path)
        if (source := room(module(path))) not in {*APART, "flags", "gateway"}
        and (aim := room(target)) not in {source, "flags", "gateway", *APART}
        and level(aim) <= level(source)
    ]
    assert wrong == []


@pytest.mark.parametrize("apart", [*APART, "flags"])
def test_what_stands_apart_imports_nothing_else_of_ours(apart: str) -> None:
    others = {
        f"{module(path)} -> {target}"
        for path in FILES
        if room(module(path)) == apart
        for target in imports(path)
        if room(target) != apart
    }
    assert others == set()


def test_only_the_commands_use_the_sandbox() -> None:
    users = {
        room(module(path))
        for path in FILES
        for target in imports(path)
        if room(target) == "sandbox"
    }
    assert users - {"sandbox"} == {"cli"}


def test_the_lower_rooms_know_nothing_of_flags() -> None:
    users = {
        room(module(path)) for path in FILES for target in imports(path) if room(target) == "flags"
    } - {"flags"}
    assert all(level(user) <= level("delivery") for user in users), users


def test_no_module_imports_itself_by_a_detour() -> None:
    """Between files, those of one room included; a package's face is above its files."""
    graph = {module(path): imports(path) - {module(path)} for path in FILES}
    TopologicalSorter(graph).prepare()


def test_only_one_place_opens_http_sessions_and_only_one_has_sql() -> None:
    for path in FILES:
        text, where = path.read_text("utf-8"), room(module(path))
        # A starting `serve` asks the owner of its own file, over the socket beside it.
        if where not in {"wire", "cli", "sandbox"} and module(path) != "gateway.http.serving":
            assert "ClientSession" not in text, path.name
        # The stand-ins execute GraphQL, and normalize reads the postal data's own file.
        if where not in {"store", "normalize", "sandbox"}:
            assert ".execute(" not in text, path.name


def faces() -> list[Path]:
    """`__init__` files of rooms that hold something."""
    return [p for p in FILES if p.name == "__init__.py" and p.parent != ROOT / "gateway"]


@pytest.mark.parametrize("path", faces(), ids=module)
def test_every_package_has_one_public_face(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    named = [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    assert "__all__" in named
    assert ast.get_docstring(tree)


def test_files_stay_small() -> None:
    """Those of the tests too."""
    paths = [*FILES, *(ROOT / "tests").rglob("*.py")]
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in paths
    }
    assert {name: count for name, count in lines.items() if count > 300} == {}


def test_only_commands_print() -> None:
    for path in FILES:
        if room(module(path)) == "cli":
            continue
        for node in nodes(path):
            printing = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
            assert not printing, path.name
