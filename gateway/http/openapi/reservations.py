"""Points that a customer spends."""

from dataclasses import replace

from gateway.http.forms.reservation import ReservationForm
from gateway.http.openapi.customers import CUSTOMER
from gateway.http.openapi.headers import IDEMPOTENCY_KEY, VISITOR
from gateway.http.openapi.operation import Operation, Said, Sent, path
from gateway.responses.shapes import ReservationList, ReservationShown

__all__ = ["OPERATIONS"]

_PLACE = "/v1/customers/{shopify_customer_id}/points/reservations"
_ID = path("id", "The reservation's id.", "^[0-9]{1,18}$", "12")
_ACTIVE: ReservationShown = {
    "id": 12,
    "state": "active",
    "points": 500,
    "amount": 500,
    "currency": "JPY",
    "code": "K7RWQ2MZ9TBHX4CDE5FG",
    "expires_at": "2026-11-21T10:00:00Z",
}
_PENDING: ReservationShown = {**_ACTIVE, "state": "pending", "code": None}
_CLOSING: ReservationShown = {**_ACTIVE, "state": "closing"}
_WOULD: ReservationShown = {**_PENDING, "id": None, "state": "dry_run", "expires_at": None}
_ANSWERED = ("Location", "Cache-Control", "Idempotent-Replayed")

_SHOW = Operation(
    "get",
    _PLACE + "/{id}",
    "getReservation",
    "Customers",
    "See reserved points",
    {
        200: Said(
            "As it stands now.", ReservationShown, {"reservation": _ACTIVE}, ("Cache-Control",)
        )
    },
    {404: ("not-found",)},
    parameters=(CUSTOMER, _ID),
    key="storefront",
)

OPERATIONS = (
    Operation(
        "post",
        _PLACE,
        "reservePoints",
        "Customers",
        "Spend points",
        {
            200: Said(
                "Under `dry_run`: what it would be.",
                ReservationShown,
                {"would_be": _WOULD},
                ("Cache-Control",),
            ),
            201: Said(
                "The points are taken, and the code can be used.",
                ReservationShown,
                {"reservation": _ACTIVE},
                _ANSWERED,
            ),
            202: Said(
                "It goes on; whether the points are taken is not known yet.",
                ReservationShown,
                {"reservation": _PENDING},
                _ANSWERED,
            ),
        },
        {
            400: ("invalid-client-address", "invalid-idempotency-key"),
            403: ("email-not-proven",),
            404: ("no-member", "spending-off"),
            409: ("insufficient-points", "reservation-active"),
            422: ("invalid-data", "idempotency-key-reused"),
            429: ("too-many-requests",),
            503: ("points-unavailable", "another-shop"),
        },
        "For a customer who has signed in. The points become a discount code for this customer, "
        "once. One open reservation a customer, ten an hour.",
        (CUSTOMER, *IDEMPOTENCY_KEY, *VISITOR),
        Sent(ReservationForm, {"points": 500}),
        key="storefront",
    ),
    Operation(
        "get",
        _PLACE,
        "listReservations",
        "Customers",
        "See all reserved points",
        {
            200: Said(
                "The newest first, 20 at most.",
                ReservationList,
                {"reservations": {"reservations": [_ACTIVE]}},
                ("Cache-Control",),
            )
        },
        parameters=(CUSTOMER,),
        key="storefront",
    ),
    _SHOW,
    replace(
        _SHOW,
        method="delete",
        id="deleteReservation",
        summary="Give reserved points back",
        answers={
            200: Said(
                "The code ends. Some 15 minutes later the points are back, unless an order used "
                "the code meanwhile.",
                ReservationShown,
                {"reservation": _CLOSING},
                ("Cache-Control",),
            )
        },
        problems={404: ("not-found",), 409: ("reservation-used",)},
    ),
)
