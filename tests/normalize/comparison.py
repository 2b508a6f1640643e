"""How the tests compare names of places: width, variants, ヶ/ケ/が and 字 do not count."""

import re
import unicodedata

from gateway.normalize.folding import fold_name


def same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return re.sub("大?字", "", fold_name(unicodedata.normalize("NFKC", text)))
