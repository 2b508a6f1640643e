"""Every sentence that callers of the API are told, in English and Japanese, with its code.

Made once, when it is imported: an answer that is no error looks at nothing here.
"""

from functools import cache

from gateway.wording import faults, problems
from gateway.wording.details import Detail
from gateway.wording.faults import FIELD_NAMES, Code, Fault, FieldError, Wrong, not_taken
from gateway.wording.negotiation import preferred
from gateway.wording.notices import Notice, NoticeCode, with_code
from gateway.wording.problems import (
    GIVEN_UP,
    GIVEN_UP_TITLE,
    TITLES,
    UNAVAILABLE,
    title_of,
)
from gateway.wording.text import Language, Text

__all__ = [
    "FIELD_NAMES",
    "GIVEN_UP",
    "GIVEN_UP_TITLE",
    "TITLES",
    "UNAVAILABLE",
    "Code",
    "Detail",
    "Fault",
    "FieldError",
    "Language",
    "Notice",
    "NoticeCode",
    "Text",
    "Wrong",
    "japanese",
    "not_taken",
    "preferred",
    "title_of",
    "with_code",
]


def japanese(sentence: str) -> str:
    """Of a stored sentence, which is English; as it is, if an older version wrote it."""
    return _japanese().get(sentence, sentence)


@cache
def _japanese() -> dict[str, str]:
    notices = (notice.text for notice in Notice)
    sentences = (*faults.sentences(), *problems.sentences(), *notices)
    return {text.en: text.ja for text in sentences}
