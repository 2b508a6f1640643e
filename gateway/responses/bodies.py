"""What the gateway answers: a registration's body as it stands, deliveries as rows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast, overload

import orjson

from gateway.customer import Profile, gid
from gateway.outcomes import PARTIAL, Delivery, Outcome
from gateway.responses.answer import Answer, in_both_languages, in_japanese, problem
from gateway.responses.shapes import (
    Adjustment,
    Change,
    Channel,
    DeliveryRow,
    FieldWarning,
    ProfileShown,
    Registration,
    ShopifyAction,
    Try,
    Valid,
    WholeDelivery,
)
from gateway.shopify import profile_fields
from gateway.wording import with_code

__all__ = [
    "Answer",
    "accepted",
    "change_body",
    "delivery_body",
    "delivery_row",
    "iso",
    "problem",
    "registration_body",
    "rejected",
    "valid",
    "waiting",
]


@overload
def iso(seconds: float) -> str: ...
@overload
def iso(seconds: float | None) -> str | None: ...
def iso(seconds: float | None) -> str | None:
    """Unix seconds as RFC 3339 in UTC, to the second."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def registration_body(
    registration_id: str,
    customer_id: int,
    action: str,
    warnings: Sequence[Mapping[str, str]],
    deliveries: Sequence[Delivery],
    member_number: str | None,
) -> bytes:
    """The 201's body; also what a later question gets, as things stand then."""
    body: Registration = {
        "id": registration_id,
        "status": _status(deliveries),
        "shopify_action": cast("ShopifyAction", action),
        "shopify_customer_id": gid(customer_id),
        "member_number": member_number,
        "warnings": cast("list[FieldWarning]", list(map(with_code, warnings))),
        "channels": {delivery.channel: _channel(delivery) for delivery in deliveries},
    }
    return _dumped(body)


def _dumped(body: object) -> bytes:
    """Copied, since orjson's own takes 4 KB, and a connection keeps the last answer that it gave
    until the next request comes.
    """
    return bytes(memoryview(orjson.dumps(body)))


def change_body(
    customer_id: int,
    warnings: Sequence[Mapping[str, str]],
    deliveries: Sequence[Delivery],
    member_number: str | None,
) -> bytes:
    """The 200's body of a profile change."""
    body: Change = {
        "status": _status(deliveries),
        "shopify_customer_id": gid(customer_id),
        "member_number": member_number,
        "warnings": cast("list[FieldWarning]", list(map(with_code, warnings))),
        "channels": {delivery.channel: _channel(delivery) for delivery in deliveries},
    }
    return _dumped(body)


def valid(profile: Profile, warnings: Sequence[Mapping[str, str]]) -> Answer:
    """A sign-up that would be sent to Shopify: as it would be taken, in its own fields."""
    body: Valid = {
        "status": "valid",
        "profile": cast("ProfileShown", profile_fields(profile)),
        "warnings": cast("list[FieldWarning]", list(map(with_code, warnings))),
    }
    return in_both_languages(200, orjson.dumps(body), {"Cache-Control": "no-store"})


def _unknown_to_shopify(
    registration_id: str, status: Literal["accepted", "rejected"]
) -> Registration:
    return {
        "id": registration_id,
        "status": status,
        "shopify_action": None,
        "shopify_customer_id": None,
        "member_number": None,
        "warnings": [],
        "channels": {},
    }


def _status(deliveries: Sequence[Delivery]) -> Literal["complete", "partial"]:
    for delivery in deliveries:
        if delivery.outcome in PARTIAL:
            return "partial"
    return "complete"


_ASK_AGAIN = {"Retry-After": "5"}
"""Seconds until the storefront may ask what became of a sign-up that was answered 202."""


def accepted(registration_id: str) -> Answer:
    """202: stored, and continued until Shopify has it. Made from the id alone: always the same
    bytes.
    """
    body = orjson.dumps(_unknown_to_shopify(registration_id, "accepted"))
    place = {"Location": f"/v1/registrations/{registration_id}"}
    return Answer(202, body, place | _ASK_AGAIN).about(registration_id)


def waiting(registration_id: str) -> Answer:
    """The same body, for whoever asks where it stands."""
    return Answer(200, accepted(registration_id).body, _ASK_AGAIN).about(registration_id)


def rejected(registration_id: str, kept_problem: Mapping[str, Any]) -> Answer:
    """A sign-up that was answered 202, then refused; `kept_problem` is the problem."""

    def body(told: Mapping[str, Any]) -> bytes:
        said = _unknown_to_shopify(registration_id, "rejected")
        return orjson.dumps({**said, "problem": told})

    told = Answer(200, body(kept_problem), {}, lambda: body(in_japanese(kept_problem)))
    return told.about(registration_id)


def _channel(delivery: Delivery) -> Channel:
    """Only what says something: a delivered channel has no error, a held one no reference."""
    told: Any = {"outcome": delivery.outcome}
    if delivery.outcome is Outcome.DELIVERED:
        if delivery.action is not None:
            told["action"] = delivery.action
        if delivery.reference is not None:
            told["reference"] = delivery.reference
    if delivery.error_class is not None:
        told["error_class"] = delivery.error_class
    if delivery.message is not None and delivery.outcome is not Outcome.DELIVERED:
        told["message"] = delivery.message
    if delivery.next_attempt_at is not None:
        told["next_attempt_at"] = iso(delivery.next_attempt_at)
    if delivery.adjustments:
        told["adjustments"] = list(delivery.adjustments)
    return cast("Channel", told)


def delivery_body(delivery: Delivery, attempts: Sequence[Mapping[str, Any]]) -> bytes:
    """A delivery whole: its row, and each attempt in `tries`."""
    tries = [
        {**each, "started_at": iso(each["started_at"]), "counted": bool(each["counted"])}
        for each in attempts
    ]
    whole: WholeDelivery = {**delivery_row(delivery), "tries": cast("list[Try]", tries)}
    return orjson.dumps(whole)


def delivery_row(delivery: Delivery) -> DeliveryRow:
    """A delivery as `/v1/deliveries` and `--json` show it."""
    return {
        "id": delivery.id,
        "registration_id": delivery.registration_id,
        "request_id": delivery.request_id,
        "shopify_customer_id": gid(delivery.customer_id),
        "channel": delivery.channel,
        "kind": delivery.kind,
        "outcome": delivery.outcome,
        "error_class": delivery.error_class,
        "message": delivery.message,
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "adjustments": cast("list[Adjustment]", list(delivery.adjustments)),
        "reference": delivery.reference,
        "created_at": iso(delivery.created_at),
        "updated_at": iso(delivery.updated_at),
        "next_attempt_at": iso(delivery.next_attempt_at),
    }
