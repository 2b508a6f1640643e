"""Text of others that comes before somebody's eyes: it says what it says, and does nothing else.

A control character moves a terminal's cursor or forges a line of the log; a bidi mark or an
invisible one shows another text than there is. All that upstreams say passes here: in errors
(`UpstreamError`), in the log (`PlainFormatter`), and on a command's way to the terminal.
"""

import logging
import re
from typing import Any

__all__ = ["PlainFormatter", "plain", "plain_json"]

_SPACE = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]+"
)


def plain(text: str) -> str:
    """On one line, without controls, bidi marks and what cannot be seen."""
    if text.isprintable():
        return text
    return _UNSEEN.sub("", _SPACE.sub(" ", text))


def plain_json(value: Any) -> Any:
    """Every text in it."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(key): plain_json(each) for key, each in value.items()}
    return [plain_json(each) for each in value] if isinstance(value, list) else value


class PlainFormatter(logging.Formatter):
    """A record is one line; only a traceback has more, which are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        record.message = plain(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - likewise
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"  {plain(line)}" for line in lines)
