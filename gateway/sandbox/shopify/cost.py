"""Calculated query cost: what an operation costs, and the bucket that it is paid from.

The rule, as recorded from real answers: a value costs nothing, an object 1 point, a connection of
`n` records 2 + int(2 ln n) times its node, `nodes(ids)` the same for one and two ids, a count 10,
and a mutation 10 with the objects that its record holds beside it, 18 at most.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    value_from_ast_untyped,
)

MAX_SINGLE = 1000.0
"""No single query may cost more, whatever the bucket holds."""
_MUTATION, _MUTATION_MOST, _COUNT = 10, 18, 10
_FREE = {"pageInfo", "userErrors"}


def requested(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    returned: Mapping[str, int] | None = None,
) -> int:
    """Points that an operation may cost at most; with what its connections `returned`, has cost."""
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    costs = _Costs(fragments, {**_defaults(operation), **variables}, returned or {})
    if operation.operation is OperationType.MUTATION:
        return sum(map(costs.mutation, costs.fields(operation.selection_set)))
    return sum(map(costs.root, costs.fields(operation.selection_set)))


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        each.variable.name.value: value_from_ast_untyped(each.default_value)
        for each in operation.variable_definitions
        if each.default_value is not None
    }


@dataclass(frozen=True, slots=True)
class _Costs:
    """`returned`: how many records a root field has answered."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: dict[str, Any]
    returned: Mapping[str, int] = field(default_factory=dict)

    def fields(self, selected: SelectionSetNode | None) -> Iterator[FieldNode]:
        """What is selected, also by fragments."""
        for node in selected.selections if selected else ():
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, FragmentSpreadNode):
                yield from self.fields(self.fragments[node.name.value].selection_set)
            elif isinstance(node, InlineFragmentNode):
                yield from self.fields(node.selection_set)

    def mutation(self, payload: FieldNode) -> int:
        records = [each for each in self.fields(payload.selection_set) if each.selection_set]
        beside = sum(self.of(each) - 1 for each in records if each.name.value not in _FREE)
        return min(_MUTATION_MOST, _MUTATION + beside)

    def root(self, node: FieldNode) -> int:
        if node.name.value.endswith("Count"):
            return _COUNT
        name = (node.alias or node.name).value
        return self.of(node, self.returned.get(name))

    def of(self, node: FieldNode, returned: int | None = None) -> int:
        if node.selection_set is None or node.name.value in _FREE:
            return 0
        size = self._size(node)
        inside = sum(map(self.of, self.fields(node.selection_set)))
        if node.name.value == "edges":
            return inside
        if size is None:
            return 1 + inside
        size = size if returned is None else max(1, returned)
        record = inside if node.name.value != "nodes" else 1 + inside
        return (2 + int(2 * math.log(size))) * max(1, record)

    def _size(self, node: FieldNode) -> int | None:
        """How many records a connection is asked for; None for a single object."""
        asked = {
            each.name.value: value_from_ast_untyped(each.value, self.variables)
            for each in node.arguments
        }
        if node.name.value == "nodes" and "ids" in asked:
            ids = len(asked["ids"] or ())
            return ids if ids > 2 else 1
        size = asked.get("first") or asked.get("last")
        return None if size is None else max(1, int(size))


class Bucket:
    """Leaky bucket of points. `unlimited` goes on counting and refuses nothing."""

    def __init__(
        self,
        maximum: float,
        restore: float,
        unlimited: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.maximum = maximum
        self.restore = restore
        self.unlimited = unlimited
        self.spent = 0.0
        self._clock = clock
        self._level = maximum
        self._at = clock()

    @property
    def level(self) -> float:
        """Points that are available now."""
        now = self._clock()
        self._level = min(self.maximum, self._level + (now - self._at) * self.restore)
        self._at = now
        return self._level

    def drain(self, level: float = 0.0) -> None:
        """Leaves at most `level` points."""
        self._level = min(self.level, level)

    def admit(self, points: float) -> bool:
        """Takes points; False, taking none, when there are too few."""
        if points > self.level and not self.unlimited:
            return False
        self._level = max(0.0, self._level - points)
        self.spent += points
        return True

    def give_back(self, points: float) -> None:
        self._level = min(self.maximum, self.level + points)
        self.spent -= points

    def status(self, asked: float, actual: float | None) -> dict[str, Any]:
        """`extensions.cost` of an answer; `actual` is None for a throttled one."""
        return {
            "requestedQueryCost": asked,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": float(self.maximum),
                "currentlyAvailable": int(self.level),
                "restoreRate": float(self.restore),
            },
        }
