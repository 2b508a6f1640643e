"""What a GraphQL call names, by the schema's own coordinates, and no value of it.

Customer.firstName          a field that is asked for
QueryRoot.customers(first)  an argument
CustomerInput.email         a field of an input, in the text or in the variables
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLInputObjectType,
    ObjectFieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    type_from_ast,
    visit,
)

from gateway.sandbox.shopify import schema

__all__ = ["named"]


def named(
    text: str, operation: OperationDefinitionNode | None, variables: Mapping[str, Any]
) -> frozenset[str]:
    """Nothing of a text that is none."""
    return _of_text(text) | frozenset(_of_variables(operation, variables)) if operation else _NONE


_NONE: frozenset[str] = frozenset()


@lru_cache(maxsize=512)
def _of_text(text: str) -> frozenset[str]:
    info, names = TypeInfo(schema.schema()), set[str]()
    document: DocumentNode = parse(text)
    visit(document, TypeInfoVisitor(info, _Names(info, names)))
    return frozenset(names)


class _Names(Visitor):
    def __init__(self, info: TypeInfo, names: set[str]) -> None:
        super().__init__()
        self._info = info
        self._names = names
        self._field = ""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent = self._info.get_parent_type()
        self._field = f"{parent.name if parent else '?'}.{node.name.value}"
        self._names.add(self._field)

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self._names.add(f"{self._field}({node.name.value})")

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        kind = get_named_type(self._info.get_parent_input_type())
        self._names.add(f"{kind.name if kind else '?'}.{node.name.value}")


def _of_variables(
    operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> Iterator[str]:
    for each in operation.variable_definitions:
        kind = get_named_type(type_from_ast(schema.schema(), each.type))
        yield from _of_value(kind, variables.get(each.variable.name.value))


def _of_value(kind: Any, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _of_value(kind, each)
    elif isinstance(value, dict) and isinstance(kind, GraphQLInputObjectType):
        for name, inner in value.items():
            yield f"{kind.name}.{name}"
            if name in kind.fields:
                yield from _of_value(get_named_type(kind.fields[name].type), inner)
