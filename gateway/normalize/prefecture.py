"""The 47 prefectures, from whatever a form or a shop system calls them."""

import re
import unicodedata
from typing import Final

from gateway import frozen
from gateway.normalize.characters import scrub
from gateway.normalize.variants import fold_variants


@frozen
class Prefecture:
    """`code` is ISO 3166-2 and Shopify's provinceCode ("JP-13"); `en` has no macrons."""

    code: str
    ja: str
    en: str


_TABLE: Final = """
北海道 Hokkaido 青森県 Aomori 岩手県 Iwate 宮城県 Miyagi 秋田県 Akita 山形県 Yamagata
福島県 Fukushima 茨城県 Ibaraki 栃木県 Tochigi 群馬県 Gunma 埼玉県 Saitama 千葉県 Chiba
東京都 Tokyo 神奈川県 Kanagawa 新潟県 Niigata 富山県 Toyama 石川県 Ishikawa 福井県 Fukui
山梨県 Yamanashi 長野県 Nagano 岐阜県 Gifu 静岡県 Shizuoka 愛知県 Aichi 三重県 Mie
滋賀県 Shiga 京都府 Kyoto 大阪府 Osaka 兵庫県 Hyogo 奈良県 Nara 和歌山県 Wakayama
鳥取県 Tottori 島根県 Shimane 岡山県 Okayama 広島県 Hiroshima 山口県 Yamaguchi
徳島県 Tokushima 香川県 Kagawa 愛媛県 Ehime 高知県 Kochi 福岡県 Fukuoka 佐賀県 Saga
長崎県 Nagasaki 熊本県 Kumamoto 大分県 Oita 宮崎県 Miyazaki 鹿児島県 Kagoshima 沖縄県 Okinawa
"""
_NAMES: Final = _TABLE.split()

PREFECTURES: Final = tuple(
    Prefecture(f"JP-{number:02}", ja, en)
    for number, (ja, en) in enumerate(zip(_NAMES[::2], _NAMES[1::2], strict=True), start=1)
)
"""In the order of JIS X 0401, Hokkaido first."""

_OTHER_SPELLINGS: Final = {
    "gumma": "gunma", "hyougo": "hyogo", "ooita": "oita", "ohita": "oita", "kouchi": "kochi",
    "toukyou": "tokyo", "toukyo": "tokyo", "kyouto": "kyoto", "oosaka": "osaka",
    "ohsaka": "osaka", "hokkaidou": "hokkaido", "simane": "shimane", "siga": "shiga",
    "sizuoka": "shizuoka", "isikawa": "ishikawa", "aiti": "aichi", "tiba": "chiba",
    "hirosima": "hiroshima", "hukui": "fukui", "hukuoka": "fukuoka", "hukusima": "fukushima",
    "kagosima": "kagoshima", "tokusima": "tokushima", "totigi": "tochigi",
    "gihu": "gifu", "koti": "kochi", "kouti": "kochi", "yamaguti": "yamaguchi",
}  # fmt: skip
_SUFFIX: Final = re.compile(r"[\s-]*(?:prefecture|prefectural|pref\.?|metropolis|ken|to|fu)$")
_KANJI_SUFFIX: Final = re.compile("[都府県]$")
_NUMBER: Final = re.compile(r"(?:jp-?)?0?(\d{1,2})")
_LONGEST: Final = 40


def prefecture(text: str) -> Prefecture | None:
    """Understands 東京都, 東京, Tokyo, "Ōsaka Prefecture", Tokyo-to, JP-13, 13; else None."""
    if known := _AS_WRITTEN.get(text):
        return known
    folded = unicodedata.normalize("NFKC", scrub(text[:_LONGEST])).casefold().strip(" ,.、")
    number = _NUMBER.fullmatch(folded)
    if number:
        return PREFECTURES[int(number[1]) - 1] if 1 <= int(number[1]) <= 47 else None
    japanese = fold_variants(folded).replace(" ", "")
    return _BY_NAME.get(japanese) or _BY_NAME.get(_latin(folded))


def _latin(folded: str) -> str:
    letters = "".join(
        c for c in unicodedata.normalize("NFD", folded) if not 0x300 <= ord(c) <= 0x36F
    )
    letters = re.sub(r"^(?:jp-)|,?\s*japan$", "", letters.replace("'", "").replace("^", ""))
    if letters not in _BY_NAME and letters not in _OTHER_SPELLINGS:
        letters = _SUFFIX.sub("", letters)
    return _OTHER_SPELLINGS.get(letters, letters)


def _names() -> dict[str, Prefecture]:
    """県 may be missing, and so may 都 and 府; 北海 without 道 is nobody's prefecture."""
    known = {one.ja: one for one in PREFECTURES} | {one.en.casefold(): one for one in PREFECTURES}
    return known | {_KANJI_SUFFIX.sub("", one.ja): one for one in PREFECTURES}


_BY_NAME: Final = _names()
_AS_WRITTEN: Final = {name: one for one in PREFECTURES for name in (one.code, one.ja, one.en)}
"""What forms and shop systems write."""
