"""The numbers of an address: 丁目, 番地, 号, and what may stand before, between and after them."""

import re
from typing import Final

from gateway import frozen
from gateway.normalize.characters import HYPHENS
from gateway.normalize.numerals import is_kanji_number, kanji_to_int

_HYPHEN: Final = f"[{re.escape(HYPHENS)}]"
_KANJI: Final = "〇零一二三四五六七八九十百千"
_NUMBER: Final = re.compile(f"[0-9]+|[{_KANJI}]+")
_UNIT: Final = re.compile(
    r"\s*(?P<unit>丁目|丁(?![一-龠ぁ-んァ-ヺ])|番地|番戸|番(?![館街町組線丁通耕割])"
    r"|号(?![室棟館車線地])|街区)|(?P<kept>[区組])(?=-?[0-9])"
)
_SEPARATOR: Final = re.compile(rf"\s*(?:{_HYPHEN}+|[のノ之ﾉ]|・)\s*")
ROOM: Final = re.compile(
    r"\s*(?:号室|号棟|号館|号車|階|[FＦfｆ](?![a-zA-Z])|棟|室|番館|番街|世紀|S?L?DK(?![a-zA-Z])|(?:st|nd|rd|th)(?![a-z])"
    r"|[ノの之]町|[つヵヶ]|人|割|ビル|丁町|線|条(?!丁)|地割)"
)
_KANA: Final = (
    "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰオクヤマフコエテアサキユメミシヱヒモセス"
)
_STEMS: Final = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES: Final = "子丑寅卯辰巳午未申酉戌亥"
_LOT_LETTER: Final = re.compile(
    rf"[{_STEMS}{_BRANCHES}{_KANA}]\s*(?:{_HYPHEN}\s*|[のノ]|\s*)(?=[0-9{_KANJI}])"
)
_NEVER_ENDS_A_NAME: Final = re.compile(f"[甲乙丙{_KANA}]")
"""Of the letters of a lot; 烏帽子, 庚申 and 三ノ丁 are names, each with one at its end."""

_AREA_LETTER: Final = re.compile(rf"[A-Za-z](?:番(?=[0-9])|\s*{_HYPHEN}\s*(?=[0-9]))")
"""上町A番12号, 上町A-5."""

_SIDE: Final = re.compile(rf"[東西南北](?=[0-9]+(?:番|{_HYPHEN}))")
"""本町2丁目北2番6号: the block lies on one side of the 丁目."""

_AFTER_KEPT: Final = re.compile("(?<=[区組])-")
_LOT_AFTER_GO: Final = re.compile(f"(?:[0-9]+|[{_KANJI}]+)番地?")
_SPACED: Final = re.compile(
    rf" (?=(?:[0-9]{{1,2}}(?: |{_HYPHEN}[0-9]|$)|[0-9]{{1,4}} [0-9]{{1,4}}(?: |$)))"
)
_LAST_SPACED: Final = re.compile(rf" (?=[0-9]{{1,4}}(?: |{_HYPHEN}|番|号(?!室)|$))")
_NO_MORE: Final = "(?![A-Za-zァ-ヺーぁ-ん一-龠0-9])"
_TAIL: Final = re.compile(
    rf"(?:(?P<hyphen>{_HYPHEN}|[のノ])(?=[A-Za-z{_KANA}{_STEMS}]))?"
    rf"(?P<letter>(?(hyphen)[A-Za-z][0-9]{{0,4}}|[A-EGa-eg])|[{_KANA}][0-9]*|[{_STEMS}])"
    rf"{_NO_MORE}(?!{_HYPHEN})"
)
_BEYOND: Final = re.compile(r"(?:地先|先|地内)(?![一-龠ぁ-んァ-ヺ0-9])")
_AND_OTHERS: Final = re.compile(
    rf"\s*(?:[、,]\s?(?:[0-9]{{1,2}}(?![0-9])|[0-9]+(?=番))(?:番地?|号)?"
    rf"(?:(?:の|{_HYPHEN})?[0-9]+号?)?(?=[、,他外]|$))*"
    r"\s*(?:(?:合併番?地|他|外|ほか|内)(?:[0-9]+筆)?(?=[\s(]|$))?"
)
"""123番地1、2, 45番地外3筆: more lots of the same house."""

_LETTER: Final = re.compile("[一-龠々ぁ-んァ-ヺ0-9]")
_NO_NUMBER: Final = re.compile("(?:国有|官有|官)?(?:無番地|番外地)|番外")
_KANJI_ONE_AS_HYPHEN: Final = re.compile("(?<=[0-9])一(?=[0-9])")
_UNITS_BEFORE_A_SPACE: Final = frozenset({"丁目", "丁", "番", "番地", "街区"})
_MOST_SPACED: Final = 3


@frozen
class Block:
    """`text` is 1-2-3, 甲12-3 or 無番地, and `parts` what it is made of: ("1", "2", "3").

    `start` and `end` are indices of what was read.
    """

    text: str
    parts: tuple[str, ...]
    start: int
    end: int


@frozen
class _Part:
    """One number with what stands before it (甲486), and where its unit ends."""

    text: str
    unit: str
    end: int


def read_block(text: str, start: int) -> Block | None:
    """The block that begins at `start`, if one does. Width must be folded already."""
    text = _KANJI_ONE_AS_HYPHEN.sub("-", text)
    nameless = _NO_NUMBER.match(text, start)
    if nameless:
        return Block(nameless[0], (nameless[0],), start, nameless.end())
    area = _AREA_LETTER.match(text, start)
    read = _parts(text, area.end() if area else start)
    if not read:
        return None
    parts = [text[start], *(part.text for part in read)] if area else [part.text for part in read]
    return _with_tail(text, start, parts, read[-1])


def _with_tail(text: str, start: int, parts: list[str], last: _Part) -> Block:
    shown, end = _AFTER_KEPT.sub("", "-".join(parts)), last.end
    tail = _TAIL.match(text, end)
    if tail:
        end = tail.end()
        parts = [*parts, tail["letter"]]
        shown += ("-" if tail["hyphen"] or last.unit else "") + tail["letter"]
    beyond = _BEYOND.match(text, end)
    if beyond:
        end = beyond.end()
        shown += beyond[0]
    others = _AND_OTHERS.match(text, end)
    return Block(shown, tuple(parts), start, others.end() if others else end)


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
        if begin >= start and _LOT_LETTER.match(text, begin) and _is_lot(text, start, begin):
            return read_block(text, begin)
    return read_block(text, number)


def _is_lot(text: str, start: int, index: int) -> bool:
    if index == start or text[index - 1] in " 字町村":
        return True
    if _NEVER_ENDS_A_NAME.match(text, index):
        return not ("ァ" <= text[index - 1] <= "ー" and "ァ" <= text[index] <= "ー")
    return False


def _parts(text: str, start: int) -> list[_Part]:
    parts: list[_Part] = []
    position: int | None = start
    by_space = True
    while position is not None and (part := _part(text, position, after=bool(parts))):
        parts.append(part)
        by_space = by_space and not part.unit
        position = _next(text, part, first=len(parts) == 1)
        if position is None and by_space and len(parts) < _MOST_SPACED:
            space = (_SPACED if len(parts) == 1 else _LAST_SPACED).match(text, part.end)
            position = space.end() if space else None
        else:
            by_space = False
    return parts


def _part(text: str, start: int, *, after: bool) -> _Part | None:
    before = _LOT_LETTER.match(text, start) or (_SIDE.match(text, start) if after else None)
    begin = before.end() if before else start
    match = _NUMBER.match(text, begin)
    if match is None or ROOM.match(text, match.end()):
        return None
    unit = _UNIT.match(text, match.end())
    number = int(match[0][:9]) if match[0].isascii() else _kanji(match, text, unit)
    if number is None:
        return None
    kept = (unit and unit["kept"]) or ""
    shown = f"{before[0][0] if before else ''}{number}"
    name = unit.group().strip() if unit else ""
    return _Part(shown + kept if kept else shown, name, unit.end() if unit else match.end())


def _kanji(match: re.Match[str], text: str, unit: re.Match[str] | None) -> int | None:
    """Kanji may begin a name (三井ビル) or be one (三五十, 三十八5): unit and next letter tell."""
    if not is_kanji_number(match[0]):
        return None
    separator = _SEPARATOR.match(text, match.end())
    goes_on = separator is not None and _NUMBER.match(text, separator.end())
    if unit is None and not goes_on and _LETTER.match(text, match.end()):
        return None
    return kanji_to_int(match[0])


def _next(text: str, part: _Part, *, first: bool) -> int | None:
    """Where the next number of the same block may begin, spaces alone apart."""
    separator = _SEPARATOR.match(text, part.end)
    if separator:
        return separator.end()
    if not part.unit:
        return None
    if part.unit == "号":
        lot = text[part.end : part.end + 1].isdecimal() if first else False
        return part.end if lot or _LOT_AFTER_GO.match(text, part.end) else None
    position = part.end
    while position < len(text) and text[position].isspace():
        position += 1
    return position if position == part.end or part.unit in _UNITS_BEFORE_A_SPACE else None
