"""Which names a mail may show: a stranger's text must not go out under the shop's name."""

import re
import unicodedata
from dataclasses import replace
from typing import Final

from gateway.customer import Profile
from gateway.normalize.characters import scrub

__all__ = ["greeted"]

_LONGEST: Final = 40
_LINK: Final = re.compile(r"[^\W_]\.[^\W\d_]{2,}|xn--|\d{1,3}(?:\.\d{1,3}){3}|@|//", re.IGNORECASE)
"""What a mail program or a reader takes for a link: `prize.example`, `１.example`, `1.2.3.4`."""
_DOTS: Final = str.maketrans(dict.fromkeys("。．｡․﹒", "."))


def greeted(profile: Profile) -> Profile:
    """The profile for the templates: without any name if a name may not be shown.

    Anybody can sign up with any address and any name: a long text, or one with something like a
    host name in it, would be an advertisement that this shop sends to a stranger.
    """
    if _is_name(profile.last_name + profile.first_name) and _is_name(
        profile.last_kana + profile.first_kana
    ):
        return profile
    return replace(profile, last_name="", first_name="", last_kana="", first_kana="")


def _is_name(text: str) -> bool:
    """Both parts together: a template may set them side by side."""
    if len(text) > _LONGEST:
        return False
    if text.isalpha():
        return True
    folded = unicodedata.normalize("NFKC", scrub(text.translate(_DOTS)))
    return _LINK.search(folded) is None
