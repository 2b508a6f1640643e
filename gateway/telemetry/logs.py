"""The log on standard error: text, or a JSON object a line; times are ISO 8601 with offset.

What a line is about is given to the logger as `extra`, by the names in `FIELDS`. The request's id
is on every line of what is done for it, without being given.
"""

import json
import logging
import logging.config
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from functools import cache, lru_cache
from io import StringIO
from typing import Any

import orjson

from gateway.background import request_id
from gateway.errors import plain
from gateway.telemetry.repeats import Repeats

__all__ = ["FIELDS", "in_one_write", "log_to_stderr", "tell"]

_QUIET = ("aiosqlite", "aiohttp.access", "aiohttp_retry", "asyncio", "mail.log")

FIELDS: Mapping[str, str | None] = {
    "request_id": "request",
    "by_request_id": "by",
    "client_request_id": "client-request",
    "caller": "caller",
    "registration_id": "registration",
    "delivery_id": None,
    "delivery_ids": "deliveries",
    "customer_id": None,
    "channel": None,
    "kind": None,
    "outcome": None,
    "error_class": None,
    "attempt": None,
    "method": None,
    "route": None,
    "status": None,
    "duration_ms": None,
    "repeated": None,
}
"""What a line may be about, ids and closed sets only; and its name behind a line of text, where the
words before do not say it already. `by_request_id`: whoever asked for it to be done now."""
_SHOWN = tuple((name, shown) for name, shown in FIELDS.items() if shown is not None)


def log_to_stderr(level: str, form: str = "text") -> None:
    """`level`: debug, info, warning, error; `form`: text, json. Replaces what was set before."""
    # What no line shows need not be found out (logging's HOWTO, "Optimization").
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"text": {"()": _Text}, "json": {"()": _Json}},
            "handlers": {"stderr": {"()": _ToStderr, "formatter": form}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {name: {"level": "WARNING"} for name in _QUIET},
        }
    )


def tell(
    log: logging.Logger,
    level: int,
    text: str,
    given: tuple[object, ...],
    about: dict[str, object],
) -> None:
    """As `log.log(level, text, *given, extra=about)`, in a third of the steps: for what is
    logged of every sign-up. No filter of the logger is asked: none has any.
    """
    if log.isEnabledFor(level):
        record = logging.LogRecord.__new__(logging.LogRecord)
        record.__dict__ = line = _alike(level) | about
        line["name"], line["msg"], line["args"] = log.name, text, given
        line["created"] = time.time()
        log.callHandlers(record)


def in_one_write() -> AbstractContextManager[object]:
    """What is logged inside is written at its end. With each write another thread gets the
    interpreter, for which this one then waits.
    """
    for handler in logging.root.handlers:
        if isinstance(handler, _ToStderr):
            return handler
    return nullcontext()


@cache
def _alike(level: int) -> dict[str, object]:
    """What all records of a level that `tell` makes have in common."""
    return logging.LogRecord("", level, "(unknown file)", 0, "", None, None).__dict__


def _time(record: logging.LogRecord) -> str:
    second = int(record.created)
    moment, offset = _second(second)
    return f"{moment}.{int((record.created - second) * 1000):03}{offset}"


@lru_cache(maxsize=2)
def _second(second: int) -> tuple[str, str]:
    """The time by this machine's zone, and its offset from UTC."""
    text = datetime.fromtimestamp(second, UTC).astimezone().isoformat(timespec="seconds")
    return text[:19], text[19:]


def _facts(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    given = record.__dict__
    for name in FIELDS:
        if (value := given.get(name)) is not None:
            yield name, value


class _Text(logging.Formatter):
    """A record is one line; only a traceback has more, which are indented."""

    def format(self, record: logging.LogRecord) -> str:
        given, said = record.__dict__, record.getMessage()
        said = said if said.isprintable() else plain(said)
        line = f"{_time(record)} {record.levelname:<7} {record.name}: {said}"
        for name, shown in _SHOWN:
            if (value := given.get(name)) is not None:
                line += f" {shown}={value if type(value) is str else _in_text(value)}"
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            line = "\n".join([line, *(f"  {plain(each)}" for each in trace)])
        return line


def _in_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


class _Json(logging.Formatter):
    """In ASCII, so that one record is one line whatever it says and whoever reads it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": plain(record.getMessage()),
            **dict(_facts(record)),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _to_json(line)


def _to_json(line: Mapping[str, Any]) -> str:
    with suppress(TypeError):  # orjson refuses half of a character
        text = orjson.dumps(line)
        if text.isascii():
            return text.decode("ascii")
    return json.dumps(line)


class _ToStderr(logging.StreamHandler[Any]):
    """Adds the request's id, and leaves out equal warnings (`repeats.py`). As a context: keeps what
    is logged inside, and the lines of other threads wait for its end.
    """

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self._repeats = Repeats(self._again, self._sum_up)
        self._alone: Any = self.lock
        self._outside: list[Any] = []  # the streams around the contexts that go on

    def handle(self, record: logging.LogRecord) -> bool:
        _add_request(record)
        with self._alone:
            told = record.levelno < logging.WARNING or self._repeats.is_new(record)
            if told:
                self.emit(record)
        return told

    def __enter__(self) -> None:
        self._alone.acquire()
        self._outside.append(self.stream)
        self.stream = StringIO()

    def __exit__(self, *_: object) -> None:
        lines, self.stream = self.stream.getvalue(), self._outside.pop()
        try:
            self.stream.write(lines)
            self.stream.flush()
        except Exception:  # noqa: BLE001 - as where one line is written
            self._lost("lines")
        finally:
            self._alone.release()

    def flush(self) -> None:
        """Without the lock, which whoever writes a line has already."""
        self.stream.flush()

    def _again(self, record: logging.LogRecord, more: int, seconds: float) -> None:
        text = f"{record.getMessage()} ... {more} times more in {seconds:.0f} s"
        given = {"name": record.name, "levelno": record.levelno, "levelname": record.levelname}
        self.emit(logging.makeLogRecord({**given, "msg": text, "repeated": more}))

    def _sum_up(self) -> None:
        with self._alone:
            self._repeats.sum_up()

    def close(self) -> None:
        """Logs what was counted so far, so that it is not lost."""
        with self._alone:
            self._repeats.sum_up(at_once=True)
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Logging's own shows what was to be said, which may hold anything."""
        self._lost(f"a line of {record.name}")

    def _lost(self, what: str) -> None:
        kind = getattr(sys.exc_info()[0], "__name__", "an error")
        with suppress(Exception):
            self.stream.write(f"{what} could not be written: {kind}\n")


def _add_request(record: logging.LogRecord) -> None:
    """A line may say for which request it is; then the one that goes on now only asked for it."""
    now, given = request_id.get(), record.__dict__
    if (known := given.get("request_id")) is None:
        given["request_id"] = now
    elif now is not None and now != known:
        given["by_request_id"] = now
