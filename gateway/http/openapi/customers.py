"""What a signed-in customer is shown, and may change."""

from gateway.card import FORMATS
from gateway.errors import ErrorClass
from gateway.http.forms.explained import CHANGE_EXAMPLE
from gateway.http.forms.profile_change import ChangeForm
from gateway.http.openapi.headers import VISITOR
from gateway.http.openapi.operation import Operation, Said, Sent, path, query
from gateway.outcomes import Outcome
from gateway.responses.shapes import Change, Points, ProfileShown

__all__ = ["CUSTOMER", "OPERATIONS"]

CUSTOMER = path(
    "shopify_customer_id",
    "The customer's number, or the whole gid.",
    "^(gid://shopify/Customer/)?[0-9]{1,19}$",
    "7000000000001",
)
_CHANGED: Change = {
    "status": "partial",
    "shopify_customer_id": "gid://shopify/Customer/7000000000001",
    "member_number": "7000000000001",
    "warnings": [],
    "channels": {
        "smaregi": {"outcome": Outcome.DELIVERED, "action": "updated", "reference": "1024"},
        "crm": {"outcome": Outcome.FAILED, "error_class": ErrorClass.CONFLICT, "message": "…"},
    },
}
_BALANCE: Points = {"points": 1250, "expires_on": "2026-12-31", "member_number": "7000000000001"}
_CARD = '<svg xmlns="http://www.w3.org/2000/svg" width="286" height="110">…</svg>'

_SHOWN: ProfileShown = {
    "email": "yamada@example.com",
    "last_name": "山田",
    "first_name": "太郎",
    "last_kana": "ヤマダ",
    "first_kana": "タロウ",
    "phone": "+819012345678",
    "birth_date": "1990-04-01",
    "gender": "male",
    "address": {
        "country": "JP",
        "postal_code": "150-0043",
        "prefecture": "東京都",
        "city": "渋谷区",
        "address1": "道玄坂1-2-3",
        "address2": None,
    },
    "accepts_marketing": True,
    "locale": "ja",
}

OPERATIONS = (
    Operation(
        "get",
        "/v1/customers/{shopify_customer_id}",
        "getProfile",
        "Customers",
        "See a profile",
        {200: Said("As Shopify has it.", ProfileShown, {"profile": _SHOWN}, ("Cache-Control",))},
        {404: ("not-found",), 503: ("shopify-unavailable", "another-shop")},
        "In the registration's fields; sent back with a PATCH it changes nothing. Show it only to "
        "a customer who has signed in at Shopify.",
        (CUSTOMER,),
        key="storefront",
    ),
    Operation(
        "patch",
        "/v1/customers/{shopify_customer_id}",
        "changeProfile",
        "Customers",
        "Change a profile",
        {
            200: Said(
                "Shopify is changed; the channels follow.",
                Change,
                {"changed": _CHANGED},
                ("Content-Language", "Vary"),
            )
        },
        {
            400: ("invalid-client-address",),
            404: ("not-found",),
            409: ("email-taken",),
            422: ("invalid-data",),
            429: ("too-many-requests",),
            503: ("shopify-unavailable", "in-progress", "another-shop"),
        },
        "Only what you send changes. An `address` replaces the customer's default address as a "
        "whole. You may always send the same request again.",
        (CUSTOMER, *VISITOR),
        Sent(ChangeForm, CHANGE_EXAMPLE),
        key="storefront",
    ),
    Operation(
        "get",
        "/v1/customers/{shopify_customer_id}/points",
        "getPoints",
        "Customers",
        "See the points",
        {200: Said("The balance.", Points, {"points": _BALANCE}, ("Cache-Control",))},
        {
            403: ("email-not-proven",),
            404: ("no-member",),
            503: ("points-unavailable",),
        },
        "Live from Smaregi, at most 3 seconds old. Nobody waits longer than 4 seconds.",
        (CUSTOMER,),
        key="storefront",
    ),
    Operation(
        "get",
        "/v1/customers/{shopify_customer_id}/card.svg",
        "getCard",
        "Customers",
        "Draw the member card",
        {
            200: Said(
                "The member number as a barcode that a till reads.",
                examples={"card": _CARD},
                headers=("ETag", "Cache-Control"),
                media="image/svg+xml",
                schema={"type": "string"},
            ),
            304: Said("You have this picture.", headers=("ETag", "Cache-Control"), media=""),
        },
        {403: ("email-not-proven",), 404: ("no-card",), 422: ("invalid-data",)},
        parameters=(
            CUSTOMER,
            query(
                "format",
                "Code 128, or a QR code.",
                {"type": "string", "enum": list(FORMATS), "default": "code128"},
                "qr",
            ),
        ),
        key="storefront",
    ),
)
