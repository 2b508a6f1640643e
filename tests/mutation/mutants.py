"""The mutants of a file: mutmut's operators, and some of our own for SQL.

Left alone by rule: what only people read (log lines, docstrings, texts with a space in them), type
annotations, imports, `__all__`, context variables, which are made once, the members of
enumerations, whose values stand in the database, and what mypy proves: what is never reached, and
that what is asked only whether it is true is a bool, so that None in place of False is the same.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import (
    CodeRange,
    MetadataWrapper,
    PositionProvider,
    WhitespaceInclusivePositionProvider,
)
from mutmut.mutation.mutators import mutation_operators

from tests.mutation.sql import mutate_sql

__all__ = ["Mutant", "mutants_of"]

_LEFT_ALONE = (
    m.Annotation()
    | m.Import()
    | m.ImportFrom()
    | m.Call(func=m.Attribute(value=m.Name("log")))
    | m.Call(func=m.Name("isinstance") | m.Name("cast"))
    | m.Call(func=m.Name("assert_never"))
    | m.Assign(targets=[m.AssignTarget(m.Name("__all__") | m.Name("log") | m.Name("__slots__"))])
    | m.AnnAssign(value=m.Call(func=m.Name("ContextVar")))
    | m.Assert()
    | m.Assign(value=m.Call(func=m.Name("TypeVar")))
    | m.Assign(value=m.Subscript(value=m.Name("tuple") | m.Name("Callable")))
    | m.ClassDef(
        bases=[m.AtLeastN(m.Arg(m.Name("Enum") | m.Name("IntEnum") | m.Name("Protocol")), n=1)]
    )
    | m.Decorator()
    | m.SimpleStatementLine(body=[m.Expr(m.SimpleString())])
)
_COLUMN = re.compile(r"""\[["'][A-Z_]+["']\]""")
_PROSE = re.compile(r"\w \S|\S \w")


@dataclass(frozen=True, slots=True)
class Mutant:
    """`place`: the function or class it is in, '' at the module's level. `first`, `last`: the lines
    of its statement. `before`, `after`: the lines that differ, as one.
    """

    path: str
    place: str
    first: int
    last: int
    before: str
    after: str
    code: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.path, self.place, self.before, self.after

    def __str__(self) -> str:
        where = f"{self.path}:{self.first} {self.place}"
        return f"{where}\n    - {self.before}\n    + {self.after}"


@dataclass(frozen=True, slots=True)
class _Change:
    """`span`: where the node stands, as text; `lines`: of its statement."""

    span: CodeRange
    instead: cst.CSTNode
    place: str
    lines: tuple[int, int]


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider, WhitespaceInclusivePositionProvider)

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[_Change] = []
        self._places: list[str] = []
        self._statements: list[tuple[int, int]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if m.matches(node, _LEFT_ALONE):
            return False
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            self._places.append(node.name.value)
        if isinstance(node, cst.SimpleStatementLine):
            span = self.get_metadata(PositionProvider, node)
            self._statements.append((span.start.line, span.end.line))
        self._mutate(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if m.matches(original_node, _LEFT_ALONE):
            return
        if isinstance(original_node, (cst.FunctionDef, cst.ClassDef)):
            self._places.pop()
        if isinstance(original_node, cst.SimpleStatementLine):
            self._statements.pop()

    def _mutate(self, node: cst.CSTNode) -> None:
        span = self.get_metadata(WhitespaceInclusivePositionProvider, node, None)
        if span is None:
            return
        for instead in _instead_of(node):
            lines = self._statements[-1] if self._statements else (span.start.line, span.end.line)
            self.changes.append(_Change(span, instead, ".".join(self._places), lines))


def _instead_of(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    in_sql = list(mutate_sql(node))
    yield from in_sql
    if isinstance(node, cst.SimpleString) and (in_sql or _PROSE.search(node.value)):
        return
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from (
                new
                for new in operator(node)
                if not _is_same_number(node, new) and not _is_as_false(node, new)
            )


def _is_as_false(node: cst.CSTNode, new: cst.CSTNode) -> bool:
    """A name or a field that is False is None instead."""
    before, after = (
        each.value.value
        if isinstance(each, (cst.Assign, cst.AnnAssign)) and isinstance(each.value, cst.Name)
        else ""
        for each in (node, new)
    )
    return (before, after) == ("False", "None")


def _is_same_number(node: cst.CSTNode, new: cst.CSTNode) -> bool:
    """One is nothing beside a number as large as 1e300."""
    return (
        isinstance(node, cst.Float)
        and isinstance(new, cst.Float)
        and node.evaluated_value == new.evaluated_value
    )


def mutants_of(root: Path, path: str) -> Iterator[Mutant]:
    """All mutants of the file, in its order; each once, and only those that can be compiled."""
    source = (root / path).read_text("utf-8")
    wrapper = MetadataWrapper(cst.parse_module(source))
    finder = _Finder()
    wrapper.visit(finder)
    lines = source.splitlines(keepends=True)
    seen = {source}
    for change in finder.changes:
        code = _replaced(lines, change.span, wrapper.module.code_for_node(change.instead))
        if code in seen or not _compiles(code):
            continue
        seen.add(code)
        before, after = _difference(source, code)
        if not _is_same_column(path, before, after):
            yield Mutant(path, change.place, *change.lines, before, after, code)


def _replaced(lines: Sequence[str], span: CodeRange, text: str) -> str:
    start, end = span.start, span.end
    before = "".join(lines[: start.line - 1]) + lines[start.line - 1][: start.column]
    after = lines[end.line - 1][end.column :] + "".join(lines[end.line :])
    return before + text + after


def _is_same_column(path: str, before: str, after: str) -> bool:
    """SQLite finds the column of a row whatever the case of its name."""
    return "/store/" in path and before != after and before == _COLUMN.sub(_lower, after)


def _lower(found: re.Match[str]) -> str:
    return found.group().lower()


def _compiles(code: str) -> bool:
    try:
        compile(code, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _difference(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, without those that begin and end both."""
    old = [line.strip() for line in before.splitlines()]
    new = [line.strip() for line in after.splitlines()]
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    tail = next((n for n in range(shorter - head) if old[-1 - n] != new[-1 - n]), shorter - head)
    return " ".join(old[head : len(old) - tail]), " ".join(new[head : len(new) - tail])
