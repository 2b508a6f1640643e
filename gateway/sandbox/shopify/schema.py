"""The schema, executable: documents are parsed and validated once for each text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import resources
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from gateway.sandbox.shopify.discount_fields import DISCOUNT_FIELDS
from gateway.sandbox.shopify.fields import FIELDS
from gateway.sandbox.shopify.mutations import MUTATIONS
from gateway.sandbox.shopify.order_fields import ORDER_FIELDS
from gateway.sandbox.shopify.queries import QUERIES
from gateway.sandbox.shopify.records import iso
from gateway.sandbox.shopify.session import Session

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Document:
    """A text that was parsed: what it holds, or why it is refused."""

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...]

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name; without one, the only operation there is."""
        operations = [
            each
            for each in (self.node.definitions if self.node else ())
            if isinstance(each, OperationDefinitionNode)
            and (name is None or (each.name and each.name.value == name))
        ]
        return operations[0] if len(operations) == 1 else None


@lru_cache(maxsize=512)
def document(text: str) -> Document:
    try:
        node = parse(text)
    except GraphQLError as error:
        return Document(None, (error,))
    return Document(node, tuple(validate(schema(), node)))


def execute(
    node: DocumentNode, session: Session, variables: Mapping[str, Any], name: str | None
) -> ExecutionResult:
    return execute_sync(
        schema(),
        node,
        context_value=session,
        variable_values=dict(variables),
        operation_name=name,
        field_resolver=_attribute,
    )


def roots(operation: OperationDefinitionNode | None) -> tuple[str, ...]:
    """The names of an operation's root fields."""
    if operation is None:
        return ()
    fields = operation.selection_set.selections
    return tuple(each.name.value for each in fields if isinstance(each, FieldNode))


def is_mutation(operation: OperationDefinitionNode | None) -> bool:
    return operation is not None and operation.operation is OperationType.MUTATION


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    text = resources.files("gateway.sandbox").joinpath("shopify.graphql").read_text("utf-8")
    built = build_schema(text)
    roots = {"QueryRoot": QUERIES, "Mutation": MUTATIONS}
    for type_name, resolvers in {**FIELDS, **ORDER_FIELDS, **DISCOUNT_FIELDS, **roots}.items():
        kind = built.type_map[type_name]
        if isinstance(kind, GraphQLObjectType):
            for field_name, resolver in resolvers.items():
                kind.fields[field_name].resolve = resolver
    for named in built.type_map.values():
        if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            named.resolve_type = _type_name
    # A scalar's functions are attributes of the instance, set by its constructor.
    vars(built.type_map["DateTime"]).update(serialize=iso, parse_value=_moment)
    vars(built.type_map["UnsignedInt64"]).update(serialize=str)
    return built


def _type_name(value: Any, *_: Any) -> str:
    return type(value).__name__


def _moment(value: Any) -> str:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise GraphQLError("Invalid DateTime: expected an ISO 8601 text") from error
    return str(value)


@lru_cache(maxsize=512)
def _snake(name: str) -> str:
    return _HUMP.sub("_", name).lower()


def _attribute(source: Any, info: GraphQLResolveInfo, **_arguments: Any) -> Any:
    if isinstance(source, dict):
        return source.get(info.field_name)
    return getattr(source, _snake(info.field_name))
