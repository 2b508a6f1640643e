"""Answers to a registration that goes no further, in words for the storefront's developer."""

from typing import Any

import orjson

from gateway.errors import ErrorClass, IdentityError, UpstreamError
from gateway.responses.bodies import Answer, accepted, problem
from gateway.shopify import AlreadyRegistered, EmailTaken, Missing, Refused
from gateway.store.admission import Begun

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
]


def answer_at_once(begun: Begun) -> Answer | None:
    """The answer that needs only the database; None if another registration has to be asked."""
    match begun.verdict:
        case "waiting":
            return accepted(begun.id)
        case "key_replay" if begun.status == 202:
            deferred = accepted(begun.id)
            return Answer(202, deferred.body, {**deferred.headers, "Idempotent-Replayed": "true"})
        case "key_replay":
            return Answer(begun.status, begun.answer, {"Idempotent-Replayed": "true"})
        case "key_mismatch":
            return problem(
                422,
                "idempotency-key-reused",
                "This Idempotency-Key came with another body before; use a new key.",
            )
        case "key_busy":
            return problem(
                409,
                "in-progress",
                "A request with this Idempotency-Key is under way.",
                registration_id=begun.id or None,
                retry_after=1,
            )
        case "busy":
            return problem(
                409,
                "in-progress",
                "A registration for this e-mail with other data is under way.",
                registration_id=begun.id,
                retry_after=1,
            )
        case "full":
            return no_room()
        case "too_many_keys":
            text = "Too many idempotency keys of this caller are remembered; they end after a day."
            return problem(429, "too-many-requests", text, retry_after=3600)
    return None


def no_room() -> Answer:
    return problem(
        503,
        "too-many-waiting",
        "No more registrations can wait than do; nothing was promised. Send the request again.",
        retry_after=60,
    )


def refused(result: AlreadyRegistered | Refused) -> Answer:
    """Shopify refused."""
    if isinstance(result, AlreadyRegistered):
        text = "Shopify has a registered customer with this e-mail: let them sign in."
        return problem(409, "already-registered", text)
    text = "Shopify does not take these values."
    return problem(422, "invalid-data", text, errors=result.errors)


def kept(answer: Answer) -> dict[str, Any]:
    """The problem as it may be stored: without Shopify's texts, which may quote what was sent."""
    body: dict[str, Any] = orjson.loads(answer.body)
    for error in body.get("errors", ()):
        error["message"] = "is not taken by Shopify"
    return body


def given_up(error_class: ErrorClass) -> Answer:
    """A registration that was answered 202 a day ago and has come to its end."""
    return problem(
        503,
        "shopify-unavailable",
        f"{_reason(error_class)}, for as long as the registration could wait; its data is wiped, "
        "and nothing was sent to any other system. The customer has to sign up again.",
        title="Shopify could not be reached for 24 hours",
    )


def unreadable() -> Answer:
    """GATEWAY_SECRET was changed while it waited."""
    return problem(
        500,
        "unreadable",
        "The gateway's secret was changed while the registration waited, so its data cannot be "
        "read any more. The customer has to sign up again.",
        title="The registration's data cannot be read any more",
    )


def _reason(error_class: ErrorClass) -> str:
    return _REASONS.get(error_class, "Shopify did not answer properly")


def shopify_unavailable(error: UpstreamError, registration_id: str | None = None) -> Answer:
    """For a change (no `registration_id`): the channels follow if Shopify made it after all."""
    if isinstance(error, IdentityError):
        return another_shop()
    untouched = "; nothing was sent to any other system" if registration_id else ""
    return problem(
        503,
        "shopify-unavailable",
        f"{_reason(error.error_class)}{untouched}. The same request may be sent again.",
        registration_id=registration_id,
        retry_after=min(max(error.retry_after or 5.0, 1.0), 300.0),
    )


def another_shop() -> Answer:
    """Which shops they are is for the operator: the log, `check` and alerts say so."""
    text = (
        "The gateway is set to another Shopify shop than before, and does nothing until its "
        "operator runs `shop accept` or puts the settings right. Nothing was sent to any system."
    )
    return problem(503, "another-shop", text, retry_after=60)


_REASONS = {
    ErrorClass.CONNECTION: "Shopify cannot be reached",
    ErrorClass.TIMEOUT: "Shopify did not answer in time",
    ErrorClass.RATE_LIMIT: "Shopify's request budget is used up",
    ErrorClass.AUTH: "Shopify refuses the gateway's credentials",
    ErrorClass.UNAVAILABLE: "Shopify is not available",
}


def being_finished(registration_id: str) -> Answer:
    return problem(
        409,
        "in-progress",
        "This registration is being finished.",
        registration_id=registration_id,
        retry_after=2,
    )


def change_refused(result: Missing | EmailTaken | Refused) -> Answer:
    match result:
        case Missing():
            return problem(404, "not-found", "Shopify has no customer with this id.")
        case EmailTaken():
            return problem(
                409,
                "email-taken",
                "Another customer has this e-mail; nothing was changed.",
                errors=[{"field": "email", "message": "belongs to another customer"}],
            )
        case Refused():
            text = "Shopify does not take these values."
            if result.partly:
                text += " The other fields were changed."
            return problem(422, "invalid-data", text, errors=result.errors)


def too_busy() -> Answer:
    text = "Other changes of this customer are under way. Send the request again."
    return problem(503, "in-progress", text, retry_after=2)


def no_storage() -> Answer:
    return problem(
        503,
        "storage-unavailable",
        "The gateway cannot write to its database; nothing was promised. Send the request again.",
        retry_after=10,
    )
