"""What follows the town: 小字, the block, the building and the room."""

import re
from typing import Final

from gateway import frozen
from gateway.normalize.block import Block, find_block, read_block
from gateway.normalize.characters import HYPHENS

_BUILDING_WORD: Final = re.compile(
    "ビル|マンション|ハイツ|コーポ|アパート|ハウス|メゾン|レジデンス|タワー|パレス|プラザ|ヴィラ|ビラ|ハイム"
    "|コート|ガーデン|ヒルズ|シティ|ステージ|テラス|センター|ホーム|ホテル|ドミール|シャトー|パーク|カーサ|サンライズ"
    "|[寮荘]|社宅|住宅|病院|学校|大学|会館|号棟|号室|号館|[0-9]階|私書箱|気付|様方|株式会社|有限会社|工場|支店|本社"
)
_LATIN_WORD: Final = re.compile("[A-Za-z]{2}|[A-Za-z][0-9]")
_KATAKANA_WORD: Final = re.compile("[ァ-ヺー]{3}")
_BEGINNING: Final = re.compile(rf"\s*(?:[{HYPHENS}]\s*(?=[0-9]))?")
_NAMED_BY_A_NUMBER: Final = re.compile("字?[一二三四五六七八九十百]+")
"""田村市三十八: with neither town nor unit a numeral in kanji is a name."""

_LONGEST_AREA: Final = 24
_NUMBERED_AREA: Final = re.compile(
    r"\s*第?(?:[0-9]+|[一二三四五六七八九十]+)地割|\s*(?:[東西南北]?(?:[0-9]+|[一二三四五六七八九十]+|基)線"
    r"|[東西南北](?:[0-9]+|[一二三四五六七八九十]+)号)+"
    r"|\s*(?:[0-9]+|[一二三四五六七八九十]+)(?:番[町丁](?!目)|町内|字|部(?=[0-9])|[ノの之]町)"
    r"|\s*[甲乙丙丁戊己庚辛壬癸イロハニホヘトチリヌルヲワカヨタレソ](?:字|部(?=[0-9]))"
)
_DIGITS: Final = "([1-9][0-9]{0,4})"
_HYPHEN: Final = f"[{re.escape(HYPHENS)}]"
_PLAIN: Final = re.compile(
    rf"{_DIGITS}(?:(?:丁目|番地?|{_HYPHEN}){_DIGITS}(?:(?:番地?|{_HYPHEN}){_DIGITS})?)?"
    "(?:(?:号|番地?|丁目)?|号? (?P<building>[A-CEG-KM-RT-Zァ-ネハバパヒピフ-ヴ].*))"
)
"""Most addresses: 1-2-3 or 1丁目2番3号, and nothing behind it, or a name that is no unit's (5 F,
5 DK, 5 ビル) nor begins as one of a lot does.
"""

_EDGES: Final = f" \t、,，.・/_({HYPHENS}"
_OF: Final = re.compile("^[のノ](?=[0-9A-Za-z])")
_BRACKETS: Final = {"(": ")", "「": "」", "『": "』", "[": "]", "【": "】"}


@frozen
class Details:
    """`area` and `building` as written; `block_end` is the index where the building begins."""

    area: str
    block: Block | None
    building: str
    block_end: int


def read_details(rest: str, *, after_town: bool = True) -> Details:
    """`rest` begins right after the town, or after the municipality where no town is known."""
    if plain := _PLAIN.fullmatch(rest):
        *numbers, building = plain.groups()
        parts, end = tuple(filter(None, numbers)), len(rest) - len(building or "")
        block = Block("-".join(parts), parts, 0, end)
        return Details("", block, clean_building(building) if building else "", end)
    if not after_town and (named := _NAMED_BY_A_NUMBER.fullmatch(rest.strip())):
        return Details(named[0], None, "", len(rest))
    start = _BEGINNING.match(rest).end()  # type: ignore[union-attr]
    numbered = _NUMBERED_AREA.match(rest)
    if numbered:
        return _after_area(rest, numbered[0].strip(), numbered.end())
    at_once = read_block(rest, start)
    if at_once:
        return Details("", at_once, clean_building(rest[at_once.end :]), at_once.end)
    later = find_block(rest, start)
    area = rest[start : later.start if later else len(rest)].rstrip(" -")
    if _is_area(area, later):
        return _with_area(rest, area, later)
    return Details("", None, clean_building(rest), start)


def _with_area(rest: str, area: str, block: Block | None) -> Details:
    end = block.end if block else rest.index(area) + len(area)
    return Details(area, block, clean_building(rest[end:]), end)


def _is_area(area: str, block: Block | None) -> bool:
    """A 小字 is short, is Japanese, and is no building; a name without a number may be either."""
    if not area or len(area) > _LONGEST_AREA or _LATIN_WORD.search(area):
        return False
    if _BUILDING_WORD.search(area):
        return False
    if block is None:
        return " " not in area and not _KATAKANA_WORD.search(area)
    return " " not in area or not _KATAKANA_WORD.search(area)


def _after_area(rest: str, area: str, end: int) -> Details:
    """第9地割字銅屋13-2, 南8線西10番地1: a named area may follow the numbered one."""
    inner = read_details(rest[end:])
    return Details(area + inner.area, inner.block, inner.building, end + inner.block_end)


def clean_building(text: str) -> str:
    """Without the separators before it, and without brackets around all of it."""
    building = text.strip(" ")
    if not building.startswith("("):
        building = _OF.sub("", building.lstrip(_EDGES))
    closing = _BRACKETS.get(building[:1])
    if closing and building.endswith(closing) and building.count(building[0]) == 1:
        building = building[1:-1].strip(" ")
    return building.rstrip(" 、,")
