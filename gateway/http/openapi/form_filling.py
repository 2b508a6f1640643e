"""What helps to fill a form: nothing is sent or kept."""

from gateway.http.openapi.operation import Operation, Said, Sent, path
from gateway.responses.form_shapes import Normalized, PostalCode

__all__ = ["OPERATIONS"]

_PLACES: PostalCode = {
    "postal_code": "150-0043",
    "places": [{"prefecture": "東京都", "city": "渋谷区", "town": "道玄坂"}],
}
_LINE = {"text": "〒150-0043 東京都渋谷区道玄坂1丁目2番3号 ABCビル5F"}
_READ: Normalized = {
    "prefecture": "東京都",
    "city": "渋谷区",
    "town": "道玄坂",
    "block": "1-2-3",
    "building": "ABCビル5F",
    "postal_code": "150-0043",
    "smaregi_line": "東京都渋谷区道玄坂1-2-3 ABCビル5F",
    "key": "13113:道玄坂:1-2-3",
    "understood": True,
    "notes": [],
    "smaregi": {"postCode": "150-0043", "address": "東京都渋谷区道玄坂1-2-3 ABCビル5F"},
    "adjustments": [],
    "errors": [],
}

OPERATIONS = (
    Operation(
        "get",
        "/v1/postal-codes/{code}",
        "getPostalCode",
        "Forms",
        "Find where a postal code is",
        {
            200: Said(
                "Its places: one, or several to choose from.",
                PostalCode,
                {"places": _PLACES},
                ("ETag", "Cache-Control"),
            ),
            304: Said("You have this answer.", headers=("ETag", "Cache-Control"), media=""),
        },
        {404: ("not-found",), 422: ("invalid-data",), 429: ("too-many-requests",)},
        "Of Japan, by the post's own data. It may be kept a day.",
        (path("code", "Written in any way.", "^[^/]+$", "150-0043"),),
        key="storefront",
    ),
    Operation(
        "post",
        "/v1/normalize",
        "normalize",
        "Forms",
        "See what each system would get",
        {
            200: Said(
                "Wrong fields are in `errors`, and go to no system.",
                Normalized,
                {"line": _READ},
                ("Cache-Control", "Content-Language", "Vary"),
            )
        },
        {429: ("too-many-requests",)},
        "Of the fields of a registration, all or some of them, or of one line of an address.",
        sent=Sent(
            {"type": "object"}, _LINE, description="A registration's fields, or one line as `text`."
        ),
        key="storefront",
    ),
)
