"""Functions stay short, constructors small, and what runs for ever is in one place."""

import ast
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway import frozen
from tests.architecture.test_arrows import FILES, module, nodes

Function = ast.FunctionDef | ast.AsyncFunctionDef

LONGEST = 60
"""Lines of a function."""
MOST = 7
"""Parameters of a constructor, beside `self`."""
ENDLESS = {
    "gateway.background": "what runs for ever does so here",
    "gateway.cli.run": "asks one owner of the file after the other",
    "gateway.cli.removals": "shows pages until the last",
    "gateway.http.forms.normalized": "leaves out what is wrong until nothing is",
    "gateway.delivery.pump": "until nothing is left",
    "gateway.duplicates.points": "asks until its patience is over",
    "gateway.matching.hashing": "a helper process: pages until its input ends",
    "gateway.matching.scan": "reads pages until the last",
    "gateway.normalize.municipality": "reads prefectures until none follows",
    "gateway.sandbox.webhooks": "a stand-in's own sender",
    "gateway.shopify.changing": "tries again until its deadline",
    "gateway.shopify.client": "asks again while Shopify throttles",
    "gateway.shopify.master": "writes again without the phone that is refused",
    "gateway.shopify.pages": "asks for half until Shopify allows it",
    "gateway.store.paging": "goes through pages until the last",
}
"""The modules in which a reader expects `while True`, and why it ends."""


def functions() -> Iterator[tuple[str, Function]]:
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, Function):
                yield module(path), node


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{name}: {node.name} ({length})"
        for name, node in functions()
        if (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST
    ]
    assert long == []


def test_constructors_are_small() -> None:
    """An error's facts are named one by one by whoever raises it, and all but four are optional."""
    large = {
        f"{name}: {length}"
        for name, node in functions()
        if node.name == "__init__" and name != "gateway.errors"
        if (length := len([*node.args.args, *node.args.kwonlyargs]) - 1) > MOST
    }
    assert large == set()


def test_what_runs_for_ever_is_in_one_place() -> None:
    found = {
        module(path)
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.While)
        if isinstance(node.test, ast.Constant) and node.test.value is True
    }
    assert found == set(ENDLESS)


def test_a_delivery_to_open_is_made_in_one_place() -> None:
    made = {
        module(path)
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "NewDelivery"
    }
    assert made == {"gateway.delivery.opening"}


def test_values_are_made_one_way() -> None:
    """By `gateway.frozen`; the stand-ins import nothing from here, and a sign-up makes none of
    those that are compared by who they are.
    """
    by_hand = {
        module(path)
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "dataclass"
        if {"frozen", "slots"} == {word.arg for word in node.keywords}
    }
    assert {
        name for name in by_hand if not name.startswith(("gateway.sandbox.", "flags."))
    } == set()


def test_a_value_is_compared_and_hashed_by_what_it_holds_and_changed_by_nobody() -> None:
    @frozen
    class Pair:
        one: int
        two: str = "b"

    assert Pair(1) == Pair(1, "b") != Pair(2)
    assert len({Pair(1), Pair(1), Pair(2)}) == 2
    assert replace(Pair(1), two="c") == Pair(1, "c")
    with pytest.raises(AttributeError):
        Pair(1).three = 3  # type: ignore[attr-defined]
