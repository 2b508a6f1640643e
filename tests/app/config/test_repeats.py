"""A thousand equal warnings are not a thousand lines."""

import logging
from collections.abc import Callable

from gateway.telemetry.repeats import WINDOW, Repeats


class Log:
    """What would be written, by a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.written: list[str] = []
        self.waits: list[tuple[float, Callable[[], None]]] = []
        self.repeats = Repeats(self._tell, self._sum_up, lambda: self.now, self._later)

    def say(self, text: str, *args: object, error: Exception | None = None) -> None:
        known = None if error is None else (type(error), error, error.__traceback__)
        record = logging.LogRecord("gateway", logging.WARNING, "", 0, text, args, known)
        if self.repeats.is_new(record):
            self.written.append(record.getMessage())

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        due, self.waits = self.waits, []
        for at, call in due:
            if at <= self.now:
                call()
            else:
                self.waits.append((at, call))

    def _tell(self, record: logging.LogRecord, more: int, seconds: float) -> None:
        self.written.append(f"{record.getMessage()} +{more} in {seconds:.0f}")

    def _sum_up(self) -> None:
        self.repeats.sum_up()

    def _later(self, seconds: float, call: Callable[[], None]) -> "Log":
        self.waits.append((self.now + seconds, call))
        return self

    def cancel(self) -> None:
        self.waits.clear()


def test_the_first_is_told_at_once_and_the_others_by_their_number() -> None:
    log = Log()
    for _ in range(1000):
        log.say("the disk is %s", "full")
    assert log.written == ["the disk is full"]
    log.pass_(WINDOW)
    assert log.written == ["the disk is full", "the disk is full +999 in 60"]


def test_a_storm_that_goes_on_is_a_line_a_minute() -> None:
    log = Log()
    for _ in range(600):
        log.say("full")
        log.pass_(1.0)
    assert len(log.written) == 1 + 10
    assert sum(int(text.split("+")[1].split()[0]) for text in log.written[1:]) == 599


def test_what_comes_again_after_a_quiet_minute_is_new() -> None:
    log = Log()
    log.say("full")
    log.pass_(WINDOW)
    log.say("full")
    assert log.written == ["full", "full"]
    assert log.waits == [], "nothing waits where nothing was left out"


def test_other_words_are_another_warning() -> None:
    log = Log()
    for number in range(3):
        log.say("delivery %d", number)
    assert len(log.written) == 3


def test_errors_from_two_places_are_two_although_the_words_are_the_same() -> None:
    log = Log()
    for _ in range(2):
        for broken in (_one_place, _another):
            try:
                broken()
            except ValueError as error:
                log.say("broke", error=error)
    assert log.written == ["broke", "broke"]


def _one_place() -> None:
    raise ValueError


def _another() -> None:
    raise ValueError


def test_at_the_end_what_was_counted_is_told() -> None:
    log = Log()
    for _ in range(3):
        log.say("full")
    log.repeats.sum_up(at_once=True)
    assert log.written == ["full", "full +2 in 0"]


def test_no_storm_of_different_warnings_fills_the_memory() -> None:
    log = Log()
    for number in range(3000):
        log.say("%d", number)
    assert len(log.written) == 3000
    assert len(log.repeats._told) <= 1000
