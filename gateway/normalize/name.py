"""Names: the customer's own characters where they are shown, one form where they are compared."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from gateway import REMEMBERED
from gateway.normalize.characters import compose, fold_width, is_ordinary, scrub
from gateway.normalize.placeholders import Placeholder
from gateway.normalize.variants import fold_variants, is_usual

_PLACEHOLDER_WORDS: Final = """
未入力 未登録 未設定 未記入 不明 名無し 名無 名なし ななし なし 無し 無 無名 匿名 該当なし 空欄 省略
仮 仮登録 ゲスト お客様 客 様 氏名 名前 姓 名 みにゅうりょく ミニュウリョク ミトウロク フメイ ナシ
n/a none null nil undefined unknown anonymous guest noname x xx xxx
"""
"""What tills, imports and tired staff put where a name is required (Omni Hub: 未入力)."""

_PLACEHOLDERS: Final = frozenset({*_PLACEHOLDER_WORDS.split(), *map(str, Placeholder)})

_KANJI: Final = re.compile("[一-鿿]+")
_NOT_OF_A_NAME: Final = re.compile(r"[\W_]")
_REPEATED: Final = re.compile("(.)々")


def clean_name(text: str) -> str:
    """The name as it is shown: no control characters, one space between words, composed kana.

    Half-width katakana and full-width Latin become their usual width; 髙, 﨑, 神 (U+FA19) and
    variation sequences stay as the customer wrote them.
    """
    if is_ordinary(text):
        return text
    return " ".join(compose(fold_width(scrub(text))).split())


def name_key(text: str) -> str:
    """For comparison only: variants and width folded, spaces dropped; '' for a placeholder."""
    if _KANJI.fullmatch(text) and is_usual(text):
        return "" if text in _PLACEHOLDERS else text
    return "" if is_placeholder(text) else _letters(text)


@lru_cache(REMEMBERED)
def is_placeholder(text: str) -> bool:
    """Whether the text stands for a missing name (未入力, -, ＊, no letter at all), or is ours."""
    folded = unicodedata.normalize("NFKC", scrub(text)).casefold()
    letters = _letters(text)
    return not letters.strip("ー") or letters in _PLACEHOLDERS or folded in _PLACEHOLDERS


def _letters(text: str) -> str:
    folded = fold_variants(unicodedata.normalize("NFKC", scrub(text))).casefold()
    letters = _NOT_OF_A_NAME.sub("", _REPEATED.sub(r"\1\1", folded))
    return "".join(char for char in _without_accents(letters) if char.isalnum() or char == "ー")


def _without_accents(text: str) -> str:
    return "".join(
        unicodedata.normalize("NFD", char)[0] if "à" <= char <= "ỿ" else char for char in text
    )
