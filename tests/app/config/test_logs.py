"""What the log looks like, and which port counts."""

import json
import logging
import re
from datetime import datetime

import pytest

from gateway.app.config import load
from gateway.background import on_behalf_of
from gateway.errors import ConfigurationError
from gateway.settings.sources import Sources
from gateway.telemetry.logs import in_one_write, log_to_stderr

SHOP = {"SHOPIFY_STORE": "example.myshopify.com", "SHOPIFY_ACCESS_TOKEN": "shpat_0"}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"


pytestmark = pytest.mark.usefixtures("log_as_before")


def test_a_line_of_text_has_its_time_with_offset(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("info")
    logging.getLogger("gateway").info("said")
    line = capsys.readouterr().err
    assert re.fullmatch(rf"{TIME} INFO    gateway: said\n", line)
    assert datetime.fromisoformat(line.split(" ")[0]).utcoffset() is not None


def test_json_is_one_object_a_line_whatever_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("debug", "json")
    try:
        raise ValueError("two\nlines")  # noqa: TRY301
    except ValueError:
        logging.getLogger("gateway").exception("店\n\u2028\udcff %s", "end")
    (line,) = capsys.readouterr().err.splitlines()
    shown = json.loads(line)
    assert set(shown) == {"time", "level", "logger", "message", "exception"}
    assert re.fullmatch(TIME, shown["time"])
    assert (shown["level"], shown["logger"]) == ("error", "gateway")
    assert shown["message"] == "店  end"
    assert "ValueError" in shown["exception"]


def test_what_a_line_is_about_stands_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    about = {"registration_id": "r1", "delivery_ids": (1, 2), "channel": "crm", "unknown": "x"}
    for form in ("text", "json"):
        log_to_stderr("info", form)
        with on_behalf_of("q1"):
            logging.getLogger("gateway").info("said", extra=about)
            logging.getLogger("gateway").info("said", extra={"request_id": "q0"})
    text, other, whole, asked = capsys.readouterr().err.splitlines()
    assert text.endswith("gateway: said request=q1 registration=r1 deliveries=1,2")
    assert other.endswith("gateway: said request=q0 by=q1")
    shown = json.loads(whole)
    assert (shown["request_id"], shown["delivery_ids"], shown["channel"]) == ("q1", [1, 2], "crm")
    assert "unknown" not in shown
    assert json.loads(asked)["by_request_id"] == "q1"


@pytest.mark.parametrize("form", ["text", "json"])
def test_equal_warnings_are_told_once_and_then_counted(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    log_to_stderr("info", form)
    for _ in range(1000):
        logging.getLogger("gateway").warning("the disk is %s", "full")
        logging.getLogger("gateway").info("a line of somebody's story")
    logging.getLogger().handlers[0].close()
    told = capsys.readouterr().err.splitlines()
    first, *_, last = told
    assert len(told) == 1 + 1000 + 1
    assert "the disk is full" in first
    assert "the disk is full ... 999 times more in 0 s" in last
    assert " WARNING gateway: " in last or json.loads(last)["repeated"] == 999


def test_a_line_that_cannot_be_written_shows_nothing_of_what_was_to_be_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_stderr("info")
    logging.getLogger("gateway").info("%d", "taro@example.com")
    told = capsys.readouterr().err
    assert told == "a line of gateway could not be written: TypeError\n"


class _Writes:
    """A standard error that keeps each write apart; `broken` fails at the next."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.broken = False

    def write(self, text: str) -> None:
        if self.broken:
            self.broken = False
            raise OSError(28, "taro@example.com")
        self.told.append(text)

    def flush(self) -> None: ...


def _logging_to_writes(monkeypatch: pytest.MonkeyPatch) -> _Writes:
    writes = _Writes()
    monkeypatch.setattr("sys.stderr", writes)
    log_to_stderr("info")
    return writes


def test_lines_of_one_moment_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = _logging_to_writes(monkeypatch)
    log = logging.getLogger("gateway")
    with in_one_write():
        log.info("one")
        with in_one_write():
            log.warning("two")
        log.info("%d", "taro@example.com")
        log.info("three")
        assert writes.told == []
    log.info("four")
    (together, after) = writes.told
    ends = [line.rpartition("gateway: ")[2] for line in together.splitlines()]
    assert ends == ["one", "two", "a line of gateway could not be written: TypeError", "three"]
    assert after.endswith("four\n")


def test_what_was_logged_before_an_error_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = _logging_to_writes(monkeypatch)
    with pytest.raises(ValueError, match="broke"), in_one_write():
        logging.getLogger("gateway").info("one")
        raise ValueError("broke")
    assert len(writes.told) == 1
    assert writes.told[0].endswith("one\n")


def test_lines_that_cannot_be_written_together_stop_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writes = _logging_to_writes(monkeypatch)
    with in_one_write():
        logging.getLogger("gateway").info("one")
        writes.broken = True
    logging.getLogger("gateway").info("two")
    assert writes.told[0] == "lines could not be written: OSError\n"
    assert writes.told[1].endswith("two\n")


def test_where_the_log_is_somebody_elses_nothing_is_held(caplog: pytest.LogCaptureFixture) -> None:
    with in_one_write():
        logging.getLogger("gateway").warning("said")
        assert "said" in caplog.text


def test_below_the_level_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("warning", "json")
    logging.getLogger("gateway").info("said")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("given", "port"),
    [
        ({}, 8080),
        ({"PORT": "3000"}, 3000),
        ({"PORT": "3000", "GATEWAY_PORT": "9000"}, 9000),
        ({"PORT": "", "GATEWAY_PORT": "9000"}, 9000),
    ],
)
def test_gateway_port_goes_before_port(given: dict[str, str], port: int) -> None:
    assert load(Sources(SHOP | given, {})).gateway.gateway_port == port


@pytest.mark.parametrize("text", ["zzq", "70000", "-1"])
def test_a_port_that_cannot_be_one_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(Sources(SHOP | {"PORT": text}, {}))
    (problem,) = caught.value.problems
    assert problem.startswith("PORT: ")
    assert text not in problem


def test_words_of_the_log_may_be_in_capitals() -> None:
    config = load(Sources(SHOP | {"GATEWAY_LOG_FORMAT": "JSON", "GATEWAY_LOG_LEVEL": "Debug"}, {}))
    assert config.gateway.gateway_log_format == "json"
    assert config.gateway.gateway_log_level == "debug"
