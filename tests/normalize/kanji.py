"""Numbers in kanji, as addresses are written."""

__all__ = ["in_kanji"]


def in_kanji(number: int) -> str:
    """23 -> 二十三; from 1 to 999."""
    written = ""
    for unit, size in (("百", 100), ("十", 10), ("", 1)):
        count, number = divmod(number, size)
        if count:
            written += ("〇一二三四五六七八九"[count] if count > 1 or not unit else "") + unit
    return written
