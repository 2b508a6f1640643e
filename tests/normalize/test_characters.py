"""Ordinary text is recognised at once, and is what nothing here would change."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.normalize.characters import compose, fold_width, is_ordinary, scrub
from gateway.normalize.reading import shown

BASIC_PLANE = [chr(code) for code in range(0x10000)]


@pytest.mark.parametrize("text", ["", "山田", "コーポ丸山町 201", "佐々木 ゔ", "O'Brien 1-2-3"])
def test_what_most_people_write_is_ordinary(text: str) -> None:
    assert is_ordinary(text)


@pytest.mark.parametrize(
    "text",
    [" 山", "山 ", "山  田", "山\u3000田", "か\u3099", "ﾔ", "１", "\ufa19", "山\n", "\ud842"],
)
def test_what_may_have_to_change_is_not(text: str) -> None:
    assert not is_ordinary(text)


def test_no_ordinary_character_has_another_form() -> None:
    ordinary = "".join(char for char in BASIC_PLANE if char != " " and is_ordinary(char))
    assert len(ordinary) > 20_000
    assert all(_changed(ordinary) == ordinary for _changed in _CHANGES)
    assert all(unicodedata.category(char) not in {"Cn", "Mn"} for char in ordinary)


@given(st.text("山田ぁゔァヺー々!~A1 \u3000\u3099\u309aﾔﾞ１Ａ\ufa19髙\u200b\x07\ud842", max_size=12))
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    if is_ordinary(text):
        assert all(changed(text) == text for changed in _CHANGES)
    assert shown(text) == fold_width(compose(scrub(text)))


_CHANGES = (scrub, compose, fold_width, lambda text: unicodedata.normalize("NFKC", text))
