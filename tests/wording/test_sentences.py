"""Every sentence of the API is in both languages, and says the same things."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway
from gateway.errors import ErrorClass
from gateway.http.forms.registration import AddressForm, RegistrationForm
from gateway.wording import (
    FIELD_NAMES,
    GIVEN_UP,
    TITLES,
    UNAVAILABLE,
    Code,
    Detail,
    Fault,
    Notice,
    NoticeCode,
    Text,
    japanese,
    not_taken,
    with_code,
)
from tests.documents.test_names import problem_types

ROOM = Path(gateway.__file__).parent
_PLACE = re.compile(r"\{(\w+)\}")
_JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")


def _texts() -> Iterator[Text]:
    yield from TITLES.values()
    yield from FIELD_NAMES.values()
    yield from (detail.text for detail in Detail)
    yield from (fault.text for fault in Fault)
    yield from (notice.text for notice in Notice)
    for each in (*UNAVAILABLE.values(), GIVEN_UP):
        yield from each.values()


TEXTS = list(_texts())


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.en[:40])
def test_no_sentence_lacks_its_translation(text: Text) -> None:
    assert text.en.isprintable()
    assert _JAPANESE.search(text.ja)
    assert not _JAPANESE.search(re.sub("東京都|ヤマダ|やまだ", "", text.en))
    assert sorted(_PLACE.findall(text.en)) == sorted(_PLACE.findall(text.ja))


def test_every_field_that_a_form_takes_has_a_name_in_words() -> None:
    """Without one Shopify's refusal of it would be told of no field at all."""
    within = {f"address.{name}" for name in AddressForm.model_fields}
    asked = {*RegistrationForm.model_fields, *within} - {"email_verified"}
    assert FIELD_NAMES.keys() == asked


def test_no_sentence_of_the_public_address_stands_outside_the_tables() -> None:
    """`Text(…)` is written in the tables alone, `Text.english` where commands alone hear it, and
    for what aiohttp says of a status that has no sentence.
    """
    texts, english = set(), set()
    for path in ROOM.rglob("*.py"):
        if path.relative_to(ROOM).parts[0] in {"wording", "cli"}:  # whose `Text` is rich's
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                texts |= {path.name} if called == "Text" else set()
                english |= {path.relative_to(ROOM)} if called == "Text.english" else set()
    assert texts == set()
    here = {path.as_posix() for path in english if path.parent.name != "control"}
    assert here == {"http/middleware.py", "http/owning.py"}


@pytest.mark.parametrize("kind", sorted(problem_types()))
def test_every_problem_type_has_a_title(kind: str) -> None:
    assert kind in TITLES


def test_no_title_is_left_of_a_type_that_is_gone() -> None:
    assert TITLES.keys() - problem_types() == set()


def test_every_error_class_has_a_sentence_in_each_place() -> None:
    for each in (*UNAVAILABLE.values(), GIVEN_UP):
        assert each.keys() == set(ErrorClass)


def test_every_code_has_a_sentence_and_every_sentence_a_use() -> None:
    assert {fault.code for fault in Fault} == set(Code)
    used = "\n".join(path.read_text("utf-8") for path in ROOM.rglob("*.py"))
    for fault in Fault:
        assert f"Fault.{fault.name}" in used, fault
    for detail in Detail:
        assert f"Detail.{detail.name}" in used, detail


def test_a_stored_sentence_is_found_in_japanese() -> None:
    assert japanese(Detail.SIGN_IN.text.en) == Detail.SIGN_IN.text.ja
    told = not_taken("phone")
    assert japanese(told.row()["message"]) == told.row("ja")["message"]
    assert japanese("a sentence of an older version") == "a sentence of an older version"


def test_no_two_sentences_are_the_same_in_english_and_differ_in_japanese() -> None:
    """A stored one would be translated as the other."""
    known: dict[str, str] = {}
    for text in TEXTS:
        assert known.setdefault(text.en, text.ja) == text.ja, text


def test_every_warning_has_a_code_of_its_own() -> None:
    assert [notice.code for notice in Notice] == [
        c for c in NoticeCode if c is not NoticeCode.OTHER
    ]


@pytest.mark.parametrize("notice", Notice)
def test_a_warning_that_was_stored_without_a_code_is_known_by_its_sentence(notice: Notice) -> None:
    stored = {"field": "phone", "message": notice.text.en}
    assert with_code(stored) == notice.about("phone")
    assert with_code({"field": "phone", "message": "in older words"})["code"] == "other"
