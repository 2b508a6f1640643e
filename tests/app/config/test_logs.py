"""What the log looks like, and which port counts."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime

import pytest

from gateway.app.config import load
from gateway.errors import ConfigurationError
from gateway.settings.sources import Sources
from gateway.telemetry.logs import log_to_stderr

SHOP = {"SHOPIFY_STORE": "example.myshopify.com", "SHOPIFY_ACCESS_TOKEN": "shpat_0"}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


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
