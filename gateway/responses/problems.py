"""Answers to a registration or a change that goes no further."""

from typing import Any

import orjson

from gateway.errors import ErrorClass, IdentityError, UpstreamError
from gateway.responses.answer import Answer, in_both_languages, problem
from gateway.responses.bodies import accepted
from gateway.shopify import AlreadyRegistered, EmailTaken, Missing, Refused
from gateway.store.admission import Begun
from gateway.wording import GIVEN_UP, GIVEN_UP_TITLE, UNAVAILABLE, Detail, Fault

__all__ = [
    "another_shop",
    "answer_at_once",
    "being_finished",
    "change_refused",
    "given_up",
    "kept",
    "no_room",
    "no_storage",
    "refused",
    "shopify_unavailable",
    "too_busy",
    "unreadable",
    "waiting_time",
]

_IN_LINE = 3600.0
"""Seconds, at most, until somebody's turn for Shopify's cost points: 20 000 people on its standard
plan. What asks for longer is no pace of ours."""


def answer_at_once(begun: Begun) -> Answer | None:
    """The answer that needs only the database; None if another registration has to be asked."""
    match begun.verdict:
        case "waiting":
            return accepted(begun.id)
        case "key_replay" if begun.status == 202:
            deferred = accepted(begun.id)
            replayed = {**deferred.headers, "Idempotent-Replayed": "true"}
            return Answer(202, deferred.body, replayed).about(begun.id)
        case "key_replay":
            answer = in_both_languages(begun.status, begun.answer, {"Idempotent-Replayed": "true"})
            return answer.about(begun.id or None)
        case "key_mismatch":
            return problem(422, "idempotency-key-reused", Detail.KEY_REUSED)
        case "key_busy":
            return problem(
                409,
                "in-progress",
                Detail.KEY_BUSY,
                registration_id=begun.id or None,
                retry_after=1,
            )
        case "busy":
            return problem(
                409, "in-progress", Detail.PERSON_BUSY, registration_id=begun.id, retry_after=1
            )
        case "full":
            return no_room()
        case "too_many_keys":
            return problem(429, "too-many-requests", Detail.TOO_MANY_KEYS, retry_after=3600)
    return None


def no_room() -> Answer:
    return problem(503, "too-many-waiting", Detail.NO_ROOM, retry_after=60)


def refused(result: AlreadyRegistered | Refused) -> Answer:
    """Shopify refused."""
    if isinstance(result, AlreadyRegistered):
        errors = [Fault.REGISTERED.at("email")]
        return problem(409, "already-registered", Detail.SIGN_IN, errors=errors)
    return problem(422, "invalid-data", Detail.NOT_TAKEN, errors=result.errors)


def kept(answer: Answer) -> dict[str, Any]:
    """The problem as it may be told: it holds sentences of ours alone, and no value."""
    body: dict[str, Any] = orjson.loads(answer.body)
    return body


def given_up(error_class: ErrorClass) -> Answer:
    """A registration that was answered 202 a day ago and has come to its end."""
    detail = GIVEN_UP[error_class]
    return problem(503, "shopify-unavailable", detail, title=GIVEN_UP_TITLE)


def unreadable() -> Answer:
    """GATEWAY_SECRET was changed while it waited."""
    return problem(500, "unreadable", Detail.UNREADABLE)


def shopify_unavailable(error: UpstreamError, registration_id: str | None = None) -> Answer:
    """For a change (no `registration_id`): the channels follow if Shopify made it after all."""
    if isinstance(error, IdentityError):
        return another_shop()
    what = UNAVAILABLE["registration" if registration_id else "change"]
    longest = _IN_LINE if error.error_class is ErrorClass.RATE_LIMIT else 300.0
    return problem(
        503,
        "shopify-unavailable",
        what[error.error_class],
        registration_id=registration_id,
        retry_after=waiting_time(error, 5.0, longest),
    )


def waiting_time(error: UpstreamError, usual: float, longest: float = 300.0) -> float:
    """Seconds until the caller may ask again."""
    return min(max(error.retry_after or usual, 1.0), longest)


def another_shop() -> Answer:
    """Which shops they are is for the operator: the log, `check` and alerts say so."""
    return problem(503, "another-shop", Detail.ANOTHER_SHOP, retry_after=60)


def being_finished(registration_id: str) -> Answer:
    return problem(
        409,
        "in-progress",
        Detail.BEING_FINISHED,
        registration_id=registration_id,
        retry_after=2,
    )


def change_refused(result: Missing | EmailTaken | Refused) -> Answer:
    match result:
        case Missing():
            return problem(404, "not-found", Detail.NO_CUSTOMER)
        case EmailTaken():
            errors = [Fault.TAKEN.at("email")]
            return problem(409, "email-taken", Detail.EMAIL_TAKEN, errors=errors)
        case Refused():
            detail = Detail.NOT_TAKEN.text
            if result.partly:
                detail = detail.then(Detail.PARTLY_CHANGED.text)
            return problem(422, "invalid-data", detail, errors=result.errors)


def too_busy() -> Answer:
    return problem(503, "in-progress", Detail.CUSTOMER_BUSY, retry_after=2)


def no_storage() -> Answer:
    return problem(503, "storage-unavailable", Detail.DATABASE_FULL, retry_after=10)
