"""The database knows the same outcomes and kinds as the code."""

import re
from enum import StrEnum
from importlib.resources import files

import pytest

from gateway.outcomes import Kind, Outcome
from gateway.store.outbox import IS_OPEN

SCHEMA = files("gateway.store").joinpath("schema.sql").read_text("utf-8")


@pytest.mark.parametrize(("column", "words"), [("outcome", Outcome), ("kind", Kind)])
def test_the_schema_takes_every_word_of_a_closed_set_and_no_other(
    column: str, words: type[StrEnum]
) -> None:
    table = SCHEMA[SCHEMA.index("CREATE TABLE deliveries") :]
    check = re.search(rf"CHECK \(({column} = [^)]*)\)", table)
    assert check is not None
    assert set(re.findall(rf"{column} = '(\w+)'", check[1])) == set(words)


def test_the_partial_indexes_say_open_word_for_word() -> None:
    assert SCHEMA.count(f"WHERE {IS_OPEN}") == 2
