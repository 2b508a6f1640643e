"""The numbers of an address: 丁目, 番地, 号, and what may stand before, between and after them."""

import re
from dataclasses import dataclass
from typing import Final

from gateway.normalize.characters import HYPHENS
from gateway.normalize.numerals import is_kanji_number, kanji_to_int

_HYPHEN: Final = f"[{re.escape(HYPHENS)}]"
_KANJI: Final = "〇零一二三四五六七八九十百千"
_NUMBER: Final = re.compile(f"[0-9]+|[{_KANJI}]+")
_UNIT: Final = re.compile(
    r"\s*(?P<unit>丁目|丁(?![一-龠ぁ-んァ-ヺ])|番地|番戸|番(?![館街町組線丁通])|号(?![室棟館車線地])|街区)"
)
_SEPARATOR: Final = re.compile(rf"\s*(?:{_HYPHEN}+|[のノ之ﾉ]|・)\s*")
ROOM: Final = re.compile(
    r"\s*(?:号室|号棟|号館|号車|階|[FＦfｆ](?![a-zA-Z])|棟|室|番館|番街|世紀|S?L?DK(?![a-zA-Z])|(?:st|nd|rd|th)(?![a-z])"
    r"|[ノの之]町|[つヵヶ]|人|割|ビル|丁町|線|条(?!丁)|地割)"
)
_LOT_LETTER: Final = re.compile(
    rf"(?:[甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥]|[イロハニホヘトチリヌルヲワカヨタレソ])"
    rf"\s*(?:{_HYPHEN}\s*|[のノ]|\s*)(?=[0-9{_KANJI}])"
)
_TAIL: Final = re.compile(
    rf"{_HYPHEN}(?:[A-Za-z][0-9]{{0,4}}|[イロハニホヘト][0-9]*)(?![A-Za-zァ-ヺーぁ-ん一-龠0-9])"
    r"|(?:地先|先|[甲乙丙丁戊])(?![一-龠ぁ-んァ-ヺ0-9])"
    r"|[A-EGa-eg](?![A-Za-z0-9-])"
)
_LETTER: Final = re.compile("[一-龠々ぁ-んァ-ヺ]")
_NO_NUMBER: Final = re.compile("(?:国有|官有|官)?(?:無番地|番外地)|番外")
_KANJI_ONE_AS_HYPHEN: Final = re.compile("(?<=[0-9])一(?=[0-9])")
_UNITS_BEFORE_A_SPACE: Final = frozenset({"丁目", "丁", "番", "番地", "街区"})


@dataclass(frozen=True, slots=True)
class Block:
    """`text` is 1-2-3, or 甲12-3, or 無番地; `end` the index in what was read."""

    text: str
    numbers: tuple[int, ...]
    start: int
    end: int


def read_block(text: str, start: int) -> Block | None:
    """The block that begins at `start`, if one does. Width must be folded already."""
    text = _KANJI_ONE_AS_HYPHEN.sub("-", text)
    nameless = _NO_NUMBER.match(text, start)
    if nameless:
        return Block(nameless[0], (), start, nameless.end())
    letter = _LOT_LETTER.match(text, start)
    prefix = letter[0][0] if letter else ""
    numbers, end = _numbers(text, letter.end() if letter else start)
    if not numbers:
        return None
    tail = _TAIL.match(text, end)
    shown = prefix + "-".join(map(str, numbers)) + _shown_tail(tail[0] if tail else "")
    return Block(shown, tuple(numbers), start, tail.end() if tail else end)


def find_block(text: str, start: int) -> Block | None:
    """The first block at `start` or after it."""
    found = read_block(text, start)
    position = start
    while found is None:
        number = _NUMBER.search(text, position)
        nameless = _NO_NUMBER.search(text, position, number.start() if number else len(text))
        if nameless:
            return read_block(text, nameless.start())
        if number is None:
            return None
        found = _with_letter(text, start, number.start())
        position = number.end()
    return found


def _with_letter(text: str, start: int, number: int) -> Block | None:
    """The letter of a lot (甲, イ) stands right before its number, and no name before it."""
    if number > start and text[number - 1] in "第F":
        return None
    for begin in (number - 2, number - 1):
        if begin >= start and _LOT_LETTER.match(text, begin) and not _within_kana(text, begin):
            return read_block(text, begin)
    return read_block(text, number)


def _within_kana(text: str, index: int) -> bool:
    return index > 0 and "ァ" <= text[index - 1] <= "ー" and "ァ" <= text[index] <= "ー"


def _numbers(text: str, start: int) -> tuple[list[int], int]:
    numbers: list[int] = []
    end = position = start
    while True:
        match = _NUMBER.match(text, position)
        if match is None or ROOM.match(text, match.end()):
            break
        unit = _UNIT.match(text, match.end())
        number = int(match[0][:9]) if match[0].isascii() else _kanji(match, text, unit)
        if number is None:
            break
        numbers.append(number)
        end = unit.end() if unit else match.end()
        following = _next_number(text, end, unit["unit"] if unit else "")
        if following is None:
            break
        position = following
    return numbers, end


def _kanji(match: re.Match[str], text: str, unit: re.Match[str] | None) -> int | None:
    """Kanji may begin a name (三井ビル) or be one (三五十); a unit or what follows tells."""
    if not is_kanji_number(match[0]):
        return None
    separator = _SEPARATOR.match(text, match.end())
    goes_on = separator is not None and _NUMBER.match(text, separator.end())
    if unit is None and not goes_on and _LETTER.match(text, match.end()):
        return None
    return kanji_to_int(match[0])


def _next_number(text: str, end: int, unit: str) -> int | None:
    """Where the next number of the same block begins, if one may."""
    separator = _SEPARATOR.match(text, end)
    if separator:
        return separator.end()
    if not unit or unit == "号":
        return None
    position = end
    while position < len(text) and text[position].isspace():
        position += 1
    return position if position == end or unit in _UNITS_BEFORE_A_SPACE else None


def _shown_tail(tail: str) -> str:
    return re.sub(f"^{_HYPHEN}", "-", tail)
