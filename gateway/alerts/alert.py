"""An alert as a value: sentences that can be told in English, or in the language of a reader.

A sentence's English is its message id (gettext); the console has them in its catalogues.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import NamedTuple

from gateway import frozen

__all__ = ["PAGE", "Alert", "Seconds", "Sentence", "Word", "counted", "durations", "say"]

_HOURS = "%(hours)s h %(minutes)s min"
_MINUTES = "%(minutes)s min %(seconds)s s"
_SECONDS = "%(seconds)s s"

PAGE = "Console: %(page)s"

Translate = Callable[[str], str]


class Word(NamedTuple):
    """Is translated where it is told: a message id."""

    message: str


class Seconds(NamedTuple):
    """A duration, told in the two largest units that it has."""

    value: float


Value = str | int | Word | Seconds


@frozen
class Sentence:
    message: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def told(self, text: Translate) -> str:
        values = {name: _shown(value, text) for name, value in self.values.items()}
        return text(self.message) % values


def say(message: str, **values: Value) -> Sentence:
    return Sentence(message, values)


def counted(number: int, one: str, many: str, **values: Value) -> Sentence:
    """`one` for a single one, `many` for any other number, which has the place `number`."""
    return Sentence(one if number == 1 else many, {"number": number, **values})


@frozen
class Alert:
    """What administrators are told. It holds systems, classes, counts and ids, nothing personal.

    `page`: of the console, where it is seen and mended.
    """

    sign: str
    sentences: tuple[Sentence, ...]
    page: str | None = None

    def told(self, text: Translate = str) -> str:
        where = (say(PAGE, page=self.page),) if self.page else ()
        return " ".join([self.sign, *(each.told(text) for each in (*self.sentences, *where))])


def _shown(value: Value, text: Translate) -> str:
    if isinstance(value, Word):
        return text(value.message)
    return _duration(value.value, text) if isinstance(value, Seconds) else str(value)


def _duration(seconds: float, text: Translate) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return text(_HOURS) % {"hours": hours, "minutes": minutes_left}
    if minutes:
        return text(_MINUTES) % {"minutes": minutes, "seconds": rest}
    return text(_SECONDS) % {"seconds": rest}


def durations() -> Iterator[str]:
    """Their message ids."""
    yield from (_HOURS, _MINUTES, _SECONDS)
