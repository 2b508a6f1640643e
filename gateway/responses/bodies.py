"""What the gateway answers: a registration's body as it stands, deliveries as rows, problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.customer import gid
from gateway.outcomes import PARTIAL, Delivery, Outcome

__all__ = [
    "Answer",
    "accepted",
    "change_body",
    "delivery_row",
    "iso",
    "problem",
    "problem_of",
    "registration_body",
    "rejected_body",
]

MOST_ERRORS = 50
"""Wrong fields that one answer lists."""

_TITLES = {
    "already-registered": "This e-mail is registered already",
    "email-taken": "Another customer has this e-mail",
    "in-progress": "A registration for this e-mail is under way",
    "invalid-data": "Some fields are wrong",
    "idempotency-key-reused": "The idempotency key was used with another body",
    "shopify-unavailable": "Shopify cannot take registrations right now",
    "storage-unavailable": "The gateway cannot keep anything right now",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body, ready to be sent; `problem` chooses the content type."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_problem(self) -> bool:
        return self.status >= 400


def iso(seconds: float | None) -> str | None:
    """Unix seconds as RFC 3339 in UTC, to the second."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def problem(
    status: int,
    kind: str,
    detail: str,
    *,
    title: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    registration_id: str | None = None,
    retry_after: float | None = None,
) -> Answer:
    """RFC 9457. `errors`: `{field, message}` each, where fields are at fault."""
    body: dict[str, Any] = {
        "type": kind,
        "title": title or _TITLES.get(kind, kind.replace("-", " ").capitalize()),
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors[:MOST_ERRORS])
    if len(errors) > MOST_ERRORS:
        body["detail"] = f"{detail} Only {MOST_ERRORS} of {len(errors)} are listed."
    if registration_id:
        body["registration_id"] = registration_id
    headers = {}
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, int(-(-retry_after // 1))))
    return Answer(status, orjson.dumps(body), headers)


def registration_body(
    registration_id: str,
    customer_id: int,
    action: str,
    warnings: Sequence[Mapping[str, str]],
    deliveries: Sequence[Delivery],
    member_number: str | None,
) -> bytes:
    """The 201's body; also what a later question gets, as things stand then."""
    return orjson.dumps(
        {
            "id": registration_id,
            "status": _status(deliveries),
            "shopify_action": action,
            "shopify_customer_id": gid(customer_id),
            "member_number": member_number,
            "warnings": list(warnings),
            "channels": {delivery.channel: _channel(delivery) for delivery in deliveries},
        }
    )


def change_body(
    customer_id: int,
    warnings: Sequence[Mapping[str, str]],
    deliveries: Sequence[Delivery],
    member_number: str | None,
) -> bytes:
    """The 200's body of a profile change."""
    return orjson.dumps(
        {
            "status": _status(deliveries),
            "shopify_customer_id": gid(customer_id),
            "member_number": member_number,
            "warnings": list(warnings),
            "channels": {delivery.channel: _channel(delivery) for delivery in deliveries},
        }
    )


def _unknown_to_shopify(registration_id: str, status: str, **more: Any) -> bytes:
    return orjson.dumps(
        {
            "id": registration_id,
            "status": status,
            "shopify_action": None,
            "shopify_customer_id": None,
            "member_number": None,
            "warnings": [],
            "channels": {},
            **more,
        }
    )


def _status(deliveries: Sequence[Delivery]) -> str:
    partial = any(delivery.outcome in PARTIAL for delivery in deliveries)
    return "partial" if partial else "complete"


def accepted(registration_id: str) -> Answer:
    """202: stored, and continued until Shopify has it. Made from the id alone: always the same
    bytes.
    """
    body = _unknown_to_shopify(registration_id, "accepted")
    return Answer(202, body, {"Location": f"/v1/registrations/{registration_id}"})


def rejected_body(registration_id: str, kept_problem: Mapping[str, Any]) -> bytes:
    """The body of a sign-up that was answered 202, then refused; `kept_problem` is the problem."""
    return _unknown_to_shopify(registration_id, "rejected", problem=kept_problem)


def problem_of(registration_id: str, kept_problem: Mapping[str, Any]) -> Answer:
    """The stored problem as an answer."""
    body = orjson.dumps({**kept_problem, "registration_id": registration_id})
    return Answer(kept_problem["status"], body)


def _channel(delivery: Delivery) -> dict[str, Any]:
    """Only what says something: a delivered channel has no error, a held one no reference."""
    arrived = delivery.outcome is Outcome.DELIVERED
    values = {
        "outcome": delivery.outcome,
        "action": delivery.action if arrived else None,
        "reference": delivery.reference if arrived else None,
        "error_class": delivery.error_class,
        "message": None if arrived else delivery.message,
        "next_attempt_at": iso(delivery.next_attempt_at),
        "adjustments": list(delivery.adjustments) or None,
    }
    return {key: value for key, value in values.items() if value is not None}


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """A delivery as `/v1/deliveries` and `--json` show it."""
    return {
        "id": delivery.id,
        "registration_id": delivery.registration_id,
        "shopify_customer_id": gid(delivery.customer_id),
        "channel": delivery.channel,
        "kind": delivery.kind,
        "outcome": delivery.outcome,
        "error_class": delivery.error_class,
        "message": delivery.message,
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "adjustments": list(delivery.adjustments),
        "reference": delivery.reference,
        "created_at": iso(delivery.created_at),
        "updated_at": iso(delivery.updated_at),
        "next_attempt_at": iso(delivery.next_attempt_at),
    }
