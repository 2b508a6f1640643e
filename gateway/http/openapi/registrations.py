"""Sign-ups: the calls of a storefront's form."""

from gateway.errors import ErrorClass
from gateway.http.forms.explained import EXAMPLE
from gateway.http.forms.registration import RegistrationForm
from gateway.http.openapi.headers import SIGN_UP, VISITOR
from gateway.http.openapi.operation import Operation, Said, Sent, path, query
from gateway.http.openapi.problems import example
from gateway.outcomes import Outcome
from gateway.responses.shapes import Registration, Valid

__all__ = ["OPERATIONS"]

ID = "01a2000a118ed7c1571e7df6faad368b"

_DONE: Registration = {
    "id": ID,
    "status": "partial",
    "shopify_action": "created",
    "shopify_customer_id": "gid://shopify/Customer/7000000000001",
    "member_number": "7000000000001",
    "warnings": [],
    "channels": {
        "smaregi": {"outcome": Outcome.DELIVERED, "action": "linked", "reference": "1024"},
        "crm": {
            "outcome": Outcome.RETRYING,
            "error_class": ErrorClass.TIMEOUT,
            "message": "search: no answer in time",
            "next_attempt_at": "2026-11-21T09:00:05Z",
        },
        "email": {"outcome": Outcome.SKIPPED},
    },
}
_WAITING: Registration = {
    "id": ID,
    "status": "accepted",
    "shopify_action": None,
    "shopify_customer_id": None,
    "member_number": None,
    "warnings": [],
    "channels": {},
}
_REJECTED: Registration = {
    **_WAITING,
    "status": "rejected",
    "problem": example(409, "already-registered"),
}

_VALID: Valid = {
    "status": "valid",
    "profile": {
        "email": "yamada@example.com",
        "last_name": "山田",
        "first_name": "太郎",
        "last_kana": "ヤマダ",
        "first_kana": "タロウ",
        "phone": None,
        "birth_date": None,
        "gender": "unknown",
        "address": None,
        "accepts_marketing": False,
        "locale": "ja",
    },
    "warnings": [],
}
_VALIDATE = query(
    "validate",
    "`true`: only checked, with the same errors of fields; nothing is sent or kept.",
    {"type": "string", "enum": ["true", "false"], "default": "false"},
    "true",
)

OPERATIONS = (
    Operation(
        "post",
        "/v1/registrations",
        "register",
        "Registrations",
        "Register a customer",
        {
            200: Said(
                "You sent `validate=true`: it would be sent to Shopify like this. Nothing was.",
                Valid,
                {"valid": _VALID},
                ("Cache-Control", "Content-Language", "Vary"),
            ),
            201: Said(
                "Shopify has the customer. What a channel does not have yet is sent by itself.",
                Registration,
                {"partial": _DONE},
                ("Idempotent-Replayed", "Content-Language", "Vary"),
            ),
            202: Said(
                "You sent `Prefer: respond-async`, or this sign-up waits already: it is kept, and "
                "goes on by itself.",
                Registration,
                {"accepted": _WAITING},
                ("Location", "Retry-After", "Preference-Applied", "Idempotent-Replayed"),
            ),
        },
        {
            400: ("invalid-idempotency-key", "invalid-client-address"),
            409: ("already-registered", "in-progress"),
            422: ("invalid-data", "idempotency-key-reused"),
            429: ("too-many-requests",),
            500: ("unreadable",),
            503: ("shopify-unavailable", "too-many-waiting", "another-shop"),
        },
        "Shopify must accept the customer. Then every other system is told at the same time, and "
        "the answer says what became of each. The same person with the same data again gets the "
        "same answer; so does the same `Idempotency-Key`. After a 503 send the same request again.",
        (_VALIDATE, *SIGN_UP, *VISITOR),
        Sent(RegistrationForm, EXAMPLE),
        key="storefront",
    ),
    Operation(
        "get",
        "/v1/registrations/{id}",
        "getRegistration",
        "Registrations",
        "See where a registration stands",
        {
            200: Said(
                "As it stands now.",
                Registration,
                {"partial": _DONE, "accepted": _WAITING, "rejected": _REJECTED},
                ("Retry-After", "Content-Language", "Vary"),
            )
        },
        {404: ("not-found",)},
        parameters=(path("id", "The registration's id.", "^[^/]+$", ID),),
        key="storefront",
    ),
)
