"""An `__init__` that imports at first use says the same at three places, and mypy sees one."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import at_first_use
from tests.architecture.test_arrows import FILES, module, nodes


def offered(path: Path) -> Iterator[str]:
    """`module.name` of each import below `if TYPE_CHECKING`."""
    for node in nodes(path):
        if isinstance(node, ast.If):
            for each in node.body:
                assert isinstance(each, ast.ImportFrom)
                yield from (f"{each.module}.{alias.name}" for alias in each.names)


LATE = [
    path
    for path in FILES
    if path.name == "__init__.py" and "__getattr__ = at_first_use(" in path.read_text()
]


@pytest.mark.parametrize("path", LATE, ids=module)
def test_what_is_imported_at_first_use_is_what_mypy_sees(path: Path) -> None:
    package = importlib.import_module(module(path))
    seen = {name.rpartition(".")[2]: name.rpartition(".")[0] for name in offered(path)}
    assert sorted(package.__all__) == sorted(seen)
    for name, where in seen.items():
        assert getattr(package, name) is getattr(importlib.import_module(where), name)


def test_a_name_that_is_not_offered_is_missing_as_in_any_module() -> None:
    find = at_first_use("gateway.shopify", {"master": "Shopify"})
    with pytest.raises(AttributeError, match=r"'gateway.shopify' has no attribute 'Shopfy'"):
        find("Shopfy")
