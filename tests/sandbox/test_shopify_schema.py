"""The stand-in's schema is a subset of the real one: same names, types, defaults."""

import gzip
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
)

from gateway.sandbox.shopify.schema import schema

_REAL = Path(__file__).parents[3] / "shared/schemas/shopify-admin-2026-10.graphql.gz"


@pytest.fixture(scope="module")
def real() -> GraphQLSchema:
    if not _REAL.exists():
        pytest.skip("Shopify's own schema is not at hand")
    return build_schema(gzip.decompress(_REAL.read_bytes()).decode(), assume_valid=True)


def _differences(ours: GraphQLNamedType, theirs: GraphQLNamedType) -> list[str]:
    if type(ours) is not type(theirs):
        return [f"{ours.name} is of another kind"]
    if isinstance(ours, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
        return [f"{ours.name}.{value}" for value in ours.values.keys() - theirs.values.keys()]
    found = []
    if isinstance(ours, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
        found += [ours.name] if ours.is_one_of != theirs.is_one_of else []
        for name, field in ours.fields.items():
            real = theirs.fields.get(name)
            if real is None or (str(field.type), field.default_value) != (
                str(real.type),
                real.default_value,
            ):
                found.append(f"{ours.name}.{name}")
        found += [
            f"{ours.name} lacks {name}"
            for name, field in theirs.fields.items()
            if str(field.type).endswith("!") and name not in ours.fields
        ]
    outputs = (GraphQLObjectType, GraphQLInterfaceType)
    if isinstance(ours, outputs) and isinstance(theirs, outputs):
        found += [
            i.name for i in ours.interfaces if i.name not in {t.name for t in theirs.interfaces}
        ]
        for name, output in ours.fields.items():
            there = theirs.fields.get(name)
            if there is None or str(output.type) != str(there.type):
                found.append(f"{ours.name}.{name}")
                continue
            for key, argument in output.args.items():
                given = there.args.get(key)
                if given is None or (str(argument.type), argument.default_value) != (
                    str(given.type),
                    given.default_value,
                ):
                    found.append(f"{ours.name}.{name}({key})")
    return found


def test_every_type_field_and_argument_is_the_real_schemas(real: GraphQLSchema) -> None:
    different = [
        text
        for name, kind in schema().type_map.items()
        if not name.startswith("__")
        for text in (_differences(kind, real.type_map[name]) if name in real.type_map else [name])
    ]
    assert different == []


def test_every_field_of_the_roots_is_answered() -> None:
    query, mutation = schema().query_type, schema().mutation_type
    assert query is not None
    assert mutation is not None
    for name, field in {**query.fields, **mutation.fields}.items():
        assert field.resolve is not None, name
