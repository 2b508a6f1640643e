"""The log on standard error: text, or a JSON object a line; times are ISO 8601 with offset."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from gateway.errors import plain

__all__ = ["PlainFormatter", "log_to_stderr"]

_QUIET = ("aiosqlite", "aiohttp.access", "asyncio", "mail.log")


def log_to_stderr(level: str, form: str = "text") -> None:
    """`level`: debug, info, warning, error; `form`: text, json. Replaces what was set before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for noisy in _QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _time(record: logging.LogRecord) -> str:
    local = datetime.fromtimestamp(record.created, UTC).astimezone()
    return local.isoformat(timespec="milliseconds")


class PlainFormatter(logging.Formatter):
    """A record is one line; only a traceback has more, which are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        record.message = plain(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - likewise
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"  {plain(line)}" for line in lines)


class _Text(PlainFormatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - logging's name
        return _time(record)


class _Json(logging.Formatter):
    """In ASCII, so that one record is one line whatever it says and whoever reads it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": plain(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
