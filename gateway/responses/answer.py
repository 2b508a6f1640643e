"""An answer, ready to be sent; and problems (RFC 9457), in English and in Japanese."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Any, Self, cast

import orjson

from gateway import frozen
from gateway.outcomes import Delivery
from gateway.responses.shapes import FieldError as Row
from gateway.responses.shapes import Problem
from gateway.wording import Detail, FieldError, Language, Text, japanese, title_of

__all__ = ["Answer", "in_both_languages", "in_japanese", "problem", "problem_of"]

MOST_ERRORS = 50
"""Wrong fields that one answer lists."""


@frozen
class Answer:
    """A status and a body, ready to be sent; a problem has a content type of its own.

    `japanese` makes the body for a caller who asks for Japanese; `body`, in English, is what is
    stored and repeated. `registration_id` and `delivery_ids` are for the log: what it is about.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    japanese: Callable[[], bytes] | None = field(default=None, compare=False)
    registration_id: str | None = None
    delivery_ids: tuple[int, ...] = ()

    @property
    def is_problem(self) -> bool:
        return self.status >= 400

    def about(self, registration_id: str | None, deliveries: Iterable[Delivery] = ()) -> Self:
        ids = tuple([delivery.id for delivery in deliveries])
        return type(self)(self.status, self.body, self.headers, self.japanese, registration_id, ids)


@frozen
class _Problem:
    status: int
    kind: str
    title: Text
    detail: Text
    errors: Sequence[FieldError]
    registration_id: str | None
    numbers: Mapping[str, int]

    def body(self, language: Language) -> bytes:
        told: Problem = {
            "type": self.kind,
            "title": self.title.told(language),
            "status": self.status,
            "detail": self.detail.told(language),
        }
        if self.errors:
            told["errors"] = [cast("Row", error.row(language)) for error in self.errors]
        if self.registration_id:
            told["registration_id"] = self.registration_id
        if "reservation_id" in self.numbers:
            told["reservation_id"] = self.numbers["reservation_id"]
        if "balance" in self.numbers:
            told["balance"] = self.numbers["balance"]
        return orjson.dumps(told)


def problem(
    status: int,
    kind: str,
    detail: Detail | Text,
    *,
    title: Text | None = None,
    errors: Sequence[FieldError] = (),
    registration_id: str | None = None,
    retry_after: float | None = None,
    **numbers: int,
) -> Answer:
    """RFC 9457. `retry_after` in seconds, rounded up. `numbers`: what the problem names beside
    its sentence, `reservation_id` and `balance`.
    """
    text = detail.text if isinstance(detail, Detail) else detail
    if len(errors) > MOST_ERRORS:
        more = Detail.MORE_FIELDS_WRONG.text.within(listed=MOST_ERRORS, all=len(errors))
        text = text.then(more)
    told = _Problem(
        status, kind, title or title_of(kind), text, errors[:MOST_ERRORS], registration_id, numbers
    )
    headers = {}
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, int(-(-retry_after // 1))))
    return Answer(status, told.body("en"), headers, partial(told.body, "ja"), registration_id)


def in_both_languages(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer whose body is in English, as it was made or stored; Japanese too, where it has
    sentences: a problem, and a success with warnings. Which of the two is told is decided for each
    request, also for one that repeats another: equal requests get equal bytes.
    """
    if status < 400 and b'"warnings":[{' not in body:
        return Answer(status, body, headers or {})
    return Answer(
        status, body, headers or {}, lambda: orjson.dumps(in_japanese(orjson.loads(body)))
    )


def problem_of(registration_id: str, kept: Mapping[str, Any]) -> Answer:
    """A registration's stored problem as an answer."""
    body = orjson.dumps({**kept, "registration_id": registration_id})
    return in_both_languages(kept["status"], body).about(registration_id)


def in_japanese(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body in English, as it was made or stored."""
    texts = {name: japanese(body[name]) for name in ("title", "detail") if name in body}
    rows = {
        name: [{**row, "message": japanese(row["message"])} for row in body[name]]
        for name in ("errors", "warnings")
        if name in body
    }
    return {**body, **texts, **rows}
