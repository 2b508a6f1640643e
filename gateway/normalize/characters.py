"""Single characters: what is thrown away, what is only another way to write the same."""

import re
import unicodedata
from typing import Final

HYPHENS: Final = "-‐‑‒–—―−－﹘﹣⁃˗⎯─━ㅡーｰ~～〜"
"""Every dash that a Japanese keyboard, a till or a copied text puts between two digits."""

_COMPATIBILITY_IDEOGRAPHS: Final = re.compile("[\uf900-\ufaff\U0002f800-\U0002fa1f]")
_HALF_AND_FULL_WIDTH: Final = re.compile("[\uff00-\uffef]+")
_SPACING_SOUND_MARKS: Final = str.maketrans(
    {"゛": "\u3099", "゜": "\u309a", "ﾞ": "\u3099", "ﾟ": "\u309a"}
)
_DROPPED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


_WORD: Final = "[!-~ぁ-ゔァ-ヺー々一-鿯]++"
is_ordinary: Final = re.compile(f"(?:{_WORD}(?: {_WORD})*+)?").fullmatch
"""Whether a text is printable ASCII, kana and common kanji in words, as most are: `scrub`,
`compose`, `fold_width` and NFKC would leave it as it is.
"""


_UNSEEN: Final = _DROPPED_CATEGORIES | {"Zl", "Zp"}


def has_invisible(text: str) -> bool:
    """Controls, line breaks, bidi and zero-width marks, halves of surrogate pairs."""
    return any(unicodedata.category(char) in _UNSEEN for char in text)


def scrub(text: str) -> str:
    """Without controls, invisible format characters and halves of surrogate pairs.

    White space of any kind becomes one ASCII space, and none is left at the ends.
    """
    spaced = " ".join(text.split())
    if spaced.isprintable():
        return spaced
    kept = "".join(char for char in spaced if unicodedata.category(char) not in _DROPPED_CATEGORIES)
    return " ".join(kept.split())


def compose(text: str) -> str:
    """NFC that leaves CJK compatibility ideographs (神 U+FA19) as the customer wrote them.

    Plain NFC replaces those by their unified twin, which changes a person's name.
    """
    kept = _COMPATIBILITY_IDEOGRAPHS.findall(text)
    if not kept:
        return unicodedata.normalize("NFC", text)
    parts = [unicodedata.normalize("NFC", part) for part in _COMPATIBILITY_IDEOGRAPHS.split(text)]
    return "".join(a + b for a, b in zip(parts, [*kept, ""], strict=True))


def fold_width(text: str) -> str:
    """Full-width ASCII to ASCII, half-width katakana to full width; all else as it was."""
    return _HALF_AND_FULL_WIDTH.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)


def join_sound_marks(text: str) -> str:
    """か + ゛ to が. NFKC alone would turn a spacing mark into a space and a loose mark."""
    return unicodedata.normalize("NFC", text.translate(_SPACING_SOUND_MARKS))
