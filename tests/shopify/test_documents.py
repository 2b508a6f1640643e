"""Every GraphQL document that we send, against Shopify's own schema."""

import gzip
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    parse,
    validate,
)

import gateway
from gateway.sandbox.shopify import cost
from gateway.shopify import batches, documents, order_documents, orders, roll, subscriptions
from gateway.shopify.documents import ALL, Document
from gateway.wire import Access

ROOT = Path(gateway.__file__).parents[1]
SCHEMA = ROOT.parent / "shared" / "schemas" / "shopify-admin-2026-10.graphql.gz"


@cache
def schema() -> GraphQLSchema:
    text = gzip.decompress(SCHEMA.read_bytes()).decode()
    return build_schema(text, assume_valid_sdl=True)


def operation(document: Document) -> OperationDefinitionNode:
    (found,) = [
        node
        for node in parse(document.text).definitions
        if isinstance(node, OperationDefinitionNode)
    ]
    return found


@pytest.mark.timeout(180)
@pytest.mark.xdist_group("shopify schema")
@pytest.mark.skipif(not SCHEMA.parent.is_dir(), reason="the folder with the schema is not here")
def test_every_document_is_valid_in_shopifys_schema() -> None:
    problems = {
        document.name: [error.message for error in validate(schema(), parse(document.text))]
        for document in ALL
    }
    assert problems == {document.name: [] for document in ALL}


@pytest.mark.parametrize("document", ALL, ids=lambda d: d.name)
def test_a_mutation_declares_itself_a_write_and_a_query_a_read(document: Document) -> None:
    mutation = operation(document).operation is OperationType.MUTATION
    assert document.access is (Access.WRITE if mutation else Access.READ)


@pytest.mark.parametrize("document", ALL, ids=lambda d: d.name)
def test_a_document_is_named_by_its_first_field(document: Document) -> None:
    first = operation(document).selection_set.selections[0]
    assert getattr(first, "name").value == document.name  # noqa: B009 - a union of node types


@pytest.mark.parametrize("document", ALL, ids=lambda d: d.name)
def test_a_write_asks_for_its_user_errors(document: Document) -> None:
    assert (document.access is Access.READ) or "userErrors" in document.text


LARGEST: dict[Document, dict[str, Any]] = {
    documents.ROLL: {"first": roll.PAGE},
    documents.CHANGED: {"first": roll.PAGE},
    documents.NEWEST: {"first": roll._NEWEST},
    documents.READ_MANY: {"ids": ["gid"] * batches.MOST},
    order_documents.ORDER: {"first": orders.LINES},
    order_documents.ORDERS: {"first": orders.PAGE},
    documents.SUBSCRIPTIONS: {"first": subscriptions._MORE},
}
"""What is asked for at most, where the variables say how much."""


@pytest.mark.parametrize("document", ALL, ids=lambda d: d.name)
def test_a_document_costs_what_the_recorded_rule_says_and_less_than_shopify_allows(
    document: Document,
) -> None:
    variables = LARGEST.get(document, {})
    asked = cost.requested(parse(document.text), operation(document), variables)
    assert document.cost == asked
    assert asked <= cost.MAX_SINGLE / 4, "there is room for what the rule does not know"


def test_the_list_is_complete() -> None:
    defined = [value for value in vars(documents).values() if isinstance(value, Document)]
    assert set(defined) == set(ALL)
    assert len(ALL) == len(defined)


def test_no_document_hides_elsewhere() -> None:
    for path in (ROOT / "gateway").rglob("*.py"):
        if "sandbox" in path.parts or path.name.endswith("documents.py"):
            continue
        hidden = re.search(r"\b(query|mutation)\s+\w+\s*[({]", path.read_text("utf-8"))
        assert hidden is None, path.name
