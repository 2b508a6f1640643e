"""Calculated query cost: what an operation costs, and the bucket that it is paid from.

A lookup costs 1 point, a mutation 10 and one for each further object it selects (18 at most), a
connection 2 and one for each record asked for.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, OperationType, value_from_ast_untyped

_MUTATION, _MUTATION_MOST = 10, 18
_MAX_SINGLE = 1000


def requested(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
    """Points that an operation may cost at most."""
    fields = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    if operation.operation is OperationType.MUTATION:
        return sum(_mutation(field) for field in fields)
    return sum(_query(field, dict(variables)) for field in fields)


def too_dear(points: int) -> bool:
    """No single query may cost more than 1000 points, whatever the bucket holds."""
    return points > _MAX_SINGLE


def _mutation(field: FieldNode) -> int:
    return min(_MUTATION_MOST, _MUTATION + max(0, _objects(field) - 2))


def _objects(field: FieldNode) -> int:
    inner = field.selection_set.selections if field.selection_set else ()
    nested = [node for node in inner if isinstance(node, FieldNode) and node.selection_set]
    return len(nested) + sum(_objects(node) for node in nested)


def _query(field: FieldNode, variables: dict[str, Any]) -> int:
    arguments = {
        argument.name.value: value_from_ast_untyped(argument.value, variables)
        for argument in field.arguments
    }
    if field.name.value == "nodes":
        return len(arguments.get("ids") or ())
    size = arguments.get("first") or arguments.get("last")
    return 1 if size is None else 2 + int(size)


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
