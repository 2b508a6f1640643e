"""The mutation command: which mutants there are, how one is put in place, what is explained."""

import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutation.explained import Explained, explained, stale
from tests.mutation.graft import graft
from tests.mutation.targets import ROOT, TARGETS, asked_of, chosen

SOURCE = '''"""What it is for."""

import logging
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

__all__ = ["LIMIT", "Pile", "above", "sql"]

log = logging.getLogger(__name__)
LIMIT = 3
PLACE = Path("here")


def twice(n: int) -> int:
    return 2 * n


MORE = twice(LIMIT)


class Sheet:
    width = 2

    def size(self, times: int = 1) -> int:
        """Of the sheet."""
        return self.width * times


@dataclass(frozen=True, slots=True)
class Pile:
    height: int = 1
    sheets: object = field(default_factory=list)
    fallen: bool = False


def above(number: int) -> bool:
    log.info("asked for %d", number)
    return number > LIMIT


@lru_cache
def sql() -> str:
    return f"SELECT {LIMIT} FROM t WHERE a = ? AND b < ?"
'''


@pytest.fixture
def mutants(tmp_path: Path) -> list[tuple[str, str, str]]:
    """Place, before and after of each."""
    found = pytest.importorskip("tests.mutation.mutants", reason="needs the extra `dev`")
    (tmp_path / "module.py").write_text(SOURCE)
    return [(m.place, m.before, m.after) for m in found.mutants_of(tmp_path, "module.py")]


def test_functions_constants_methods_and_sql_have_mutants(
    mutants: list[tuple[str, str, str]],
) -> None:
    assert ("", "LIMIT = 3", "LIMIT = 4") in mutants
    assert ("above", "return number > LIMIT", "return number >= LIMIT") in mutants
    assert ("Sheet.size", "return self.width * times", "return self.width / times") in mutants
    whole = 'return f"SELECT {LIMIT} FROM t WHERE a = ? AND b < ?"'
    assert ("sql", whole, whole.replace("AND", "OR")) in mutants
    assert ("sql", whole, whole.replace("<", "<=")) in mutants
    assert ("sql", whole, whole.replace("a = ", "a <> ")) in mutants
    assert ("Pile", "fallen: bool = False", "fallen: bool = True") in mutants


def test_none_in_place_of_false_is_no_mutant(mutants: list[tuple[str, str, str]]) -> None:
    assert ("Pile", "height: int = 1", "height: int = None") in mutants
    assert ("Pile", "fallen: bool = False", "fallen: bool = None") not in mutants


def test_what_only_people_read_has_none(mutants: list[tuple[str, str, str]]) -> None:
    left_alone = ("log", '"""', "__all__", "import", "@lru_cache")
    assert [m for m in mutants if any(word in m[1] for word in left_alone)] == []


def test_each_mutant_is_there_once(mutants: list[tuple[str, str, str]]) -> None:
    assert max(Counter(mutants).values()) == 1


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    loaded = ModuleType("tests.a_module_to_mutate")
    loaded.__file__ = str(path)
    exec(SOURCE, vars(loaded))
    monkeypatch.setitem(sys.modules, loaded.__name__, loaded)
    return loaded


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("number > LIMIT", "number >= LIMIT", [True, 6, "SELECT 3 FROM t WHERE a = ? AND b < ?"]),
        ("LIMIT = 3", "LIMIT = 2", [True, 6, "SELECT 2 FROM t WHERE a = ? AND b < ?"]),
        ("width = 2", "width = 5", [False, 15, "SELECT 3 FROM t WHERE a = ? AND b < ?"]),
        ("times: int = 1", "times: int = 2", [False, 6, "SELECT 3 FROM t WHERE a = ? AND b < ?"]),
        (" AND ", " OR ", [False, 6, "SELECT 3 FROM t WHERE a = ? OR b < ?"]),
    ],
)
def test_a_mutant_is_seen_by_whoever_took_the_function_before(
    module: ModuleType, old: str, new: str, seen: list[object]
) -> None:
    above, sheet, sql = module.above, module.Sheet(), module.sql
    sql()
    graft(module.__name__, SOURCE.replace(old, new))
    assert [above(3), sheet.size(3), sql()] == seen
    assert sheet.size() == {"width = 5": 5, "times: int = 2": 4}.get(new, 2)


@pytest.mark.parametrize(
    ("old", "new", "pile"),
    [
        ("height: int = 1", "height: int = 2", (2, [])),
        ("default_factory=list", "default_factory=dict", (1, {})),
        ("field(default_factory=list)", "None", (1, None)),
    ],
)
def test_a_mutant_of_a_dataclass_is_seen_by_whoever_took_the_class_before(
    module: ModuleType, old: str, new: str, pile: tuple[int, object]
) -> None:
    taken = module.Pile
    graft(module.__name__, SOURCE.replace(old, new))
    assert (taken().height, taken().sheets) == pile
    assert taken(3, 4) == taken(3, 4)


def test_a_mutant_of_a_path_is_put_in_its_place(module: ModuleType) -> None:
    graft(module.__name__, SOURCE.replace('"here"', '"there"'))
    assert module.PLACE.name == "there"


def test_what_runs_when_a_module_is_loaded_is_told_from_what_runs_when_it_is_called(
    module: ModuleType,
) -> None:
    session = pytest.importorskip("tests.mutation.session", reason="needs the extra `dev`")
    lines = SOURCE.splitlines()
    numbers = session.lines_at_load(str(module.__file__), module.__name__)
    loaded = {lines[number - 1].strip() for number in numbers}
    at_load = {"LIMIT = 3", "width = 2", "def size(self, times: int = 1) -> int:", "return 2 * n"}
    assert at_load <= loaded
    assert not {"return self.width * times", "return number > LIMIT"} & loaded


# -- what is explained


def test_every_explanation_says_why_of_a_line_that_is_still_there() -> None:
    for entry in explained():
        assert entry.file in chosen([]), entry
        assert entry.why, entry
        lines = [line.strip() for line in (ROOT / entry.file).read_text("utf-8").splitlines()]
        assert entry.before in " ".join(lines), entry


def test_an_explanation_that_stands_for_no_mutant_or_twice_is_stale() -> None:
    known = Explained("gateway/a.py", "f", "a", "b", "because")
    gone = Explained("gateway/a.py", "f", "a", "c", "because")
    elsewhere = Explained("gateway/b.py", "f", "a", "c", "because")
    files, keys = ["gateway/a.py"], [known.key]
    assert stale([known, gone, elsewhere], files, keys) == [gone]
    assert stale([known, known], files, keys) == [known, known]


def test_every_target_is_there_with_tests_of_its_own() -> None:
    for target in TARGETS:
        assert (ROOT / target).exists(), target
    for file in chosen([]):
        assert asked_of(file, own=True), file
        assert not set(asked_of(file, own=True)) & set(asked_of(file, own=False)), file


def test_paths_choose_files_of_the_targets() -> None:
    assert chosen(["gateway/wire/limits.py"]) == ["gateway/wire/limits.py"]
    assert set(chosen(["gateway/wire"])) < set(chosen([]))
    assert set(chosen(["gateway/delivery"])) < set(chosen([]))
    with pytest.raises(ValueError, match="gateway/http is no file of the targets"):
        chosen(["gateway/http"])
