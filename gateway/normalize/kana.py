"""Readings of names: full-width katakana for Smaregi, and a form for comparison."""

import re
import unicodedata
from typing import Final

from gateway.normalize.characters import HYPHENS, join_sound_marks, scrub

SMAREGI_KANA_LIMIT: Final = 85
"""Smaregi's columns lastKana and firstKana: full-width katakana or ASCII only."""

_KANA: Final = "ァ-ヺー"
_HYPHEN_AS_LONG_VOWEL: Final = re.compile(f"(?<=[{_KANA}])[{re.escape(HYPHENS)}](?=[{_KANA}\\s]|$)")
_ITERATION: Final = re.compile("([ァ-ヺ])([ヽヾ])")
_WA_ROW: Final = str.maketrans(
    {"ヷ": "ヴァ", "ヸ": "ヴィ", "ヹ": "ヴェ", "ヺ": "ヴォ", "ヿ": "コト"}
)
_AINU: Final = str.maketrans("ㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ", "クシストヌハヒフヘホムラリルレロ")
_MIDDLE_DOT: Final = re.compile("[・･·•‧]")
_NOT_SMAREGI: Final = re.compile("[^ァ-ヶー\x20-\x7e]")

_READING: Final = re.compile(
    rf"(?=.*[ァ-ヺ])[ァ-ヺーヽヾㇰ-ㇿ\u3099\u309a\s・=゠'’.{re.escape(HYPHENS)}]+"
)

_SMALL: Final = str.maketrans("ァィゥェォャュョッヮヵヶ", "アイウエオヤユヨツワカケ")
_ONE_SOUND: Final = (("ヴァ", "バ"), ("ヴィ", "ビ"), ("ヴェ", "ベ"), ("ヴォ", "ボ"), ("ヴ", "ブ"))
_SAME_SOUND: Final = str.maketrans("ヂヅヲ", "ジズオ")
_PLAIN: Final = re.compile("[ァ-ヮヲンー]+")
"""Full-width katakana without ヴ, iteration marks and the like: most of what a till holds."""
_PLAIN_SOUND: Final = str.maketrans("ァィゥェォャュョッヮヂヅヲ", "アイウエオヤユヨツワジズオ")
_MAY_BE_LONG: Final = re.compile("[ーオエ]")
_VOWEL_ROWS: Final = (
    ("ア", "アカサタナハマヤラワガザダバパ"),
    ("イ", "イキシチニヒミリギジビピエケセテネヘメレゲゼデベペ"),
    ("ウ", "ウクスツヌフムユルグズブプオコソトノホモヨロゴゾドボポ"),
)
_LONG_VOWEL: Final = {char: vowel for vowel, row in _VOWEL_ROWS for char in row}


def to_katakana(text: str) -> str:
    """Hiragana and half-width kana as full-width katakana; all else in its NFKC form.

    A hyphen after kana is a prolonged sound (ユ-ジ), an iteration mark is written out (みすゞ).
    """
    if _PLAIN.fullmatch(text):
        return text
    import jaconv  # noqa: PLC0415  not needed to show --help

    composed = unicodedata.normalize("NFKC", join_sound_marks(scrub(text)))
    katakana = str(jaconv.hira2kata(composed)).translate(_WA_ROW)
    return _HYPHEN_AS_LONG_VOWEL.sub("ー", _ITERATION.sub(_written_out, katakana))


def is_kana(katakana: str) -> bool:
    """Whether what `to_katakana` made holds kana alone, and what stands between two of them."""
    return _READING.fullmatch(katakana) is not None


def smaregi_kana(text: str) -> tuple[str, bool]:
    """What Smaregi's kana columns take, and whether more than the form had to change."""
    if len(text) <= SMAREGI_KANA_LIMIT and _PLAIN.fullmatch(text):
        return text, False
    katakana = _MIDDLE_DOT.sub(" ", to_katakana(text)).translate(_AINU)
    allowed = " ".join(_NOT_SMAREGI.sub("", _plain_latin(katakana)).split())
    cut = allowed[:SMAREGI_KANA_LIMIT].rstrip()
    return cut, cut != " ".join(katakana.split())


def kana_key(text: str) -> str:
    """For comparison: ショウコ, ｼﾖｳｺ and しょーこ are the same; '' where there is no letter.

    Small kana are folded because half-width records have none, long vowels and ヂ/ヅ/ヴ
    because one name is written with either.
    """
    if _PLAIN.fullmatch(text):
        sounds = text.translate(_PLAIN_SOUND)
        return _fold_long_vowels(sounds) if _MAY_BE_LONG.search(sounds) else sounds
    sounds = _plain_latin(to_katakana(text)).translate(_AINU).translate(_SMALL)
    for written, sound in _ONE_SOUND:
        sounds = sounds.replace(written.translate(_SMALL), sound)
    return _fold_long_vowels(re.sub(r"[\W_]", "", sounds.translate(_SAME_SOUND)).casefold())


def _fold_long_vowels(sounds: str) -> str:
    """オー, オオ, オウ as one; so too エー, エエ, エイ."""
    folded: list[str] = []
    for char in sounds:
        long_vowel = _LONG_VOWEL.get(folded[-1]) if folded else None
        if char == "ー":
            folded.append(long_vowel or "")
        elif (char == "オ" and folded and _vowel_o(folded[-1])) or (
            char == "エ" and long_vowel == "イ" and not _vowel_i(folded[-1])
        ):
            folded.append(str(long_vowel))
        else:
            folded.append(char)
    return "".join(folded)


def _vowel_o(char: str) -> bool:
    return char in "オコソトノホモヨロゴゾドボポ"


def _vowel_i(char: str) -> bool:
    return char in "イキシチニヒミリギジビピ"


def _written_out(match: re.Match[str]) -> str:
    plain = unicodedata.normalize("NFD", match[1])[0]
    mark = "\u3099" if match[2] == "ヾ" else ""
    return match[1] + unicodedata.normalize("NFC", plain + mark)


def _plain_latin(text: str) -> str:
    """é as e; kana keep their sound marks."""
    return "".join(
        unicodedata.normalize("NFD", char)[0] if "À" <= char <= "ỿ" else char for char in text
    )
