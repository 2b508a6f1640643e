"""The outbox: an operator's calls."""

from typing import Any

from pydantic import Field

from gateway.errors import ErrorClass
from gateway.http.deliveries import CURSOR, DEFAULT_LIMIT, LARGEST_LIMIT, MOST_REPLAYED
from gateway.http.forms.delivery_filter import FilterForm
from gateway.http.openapi.operation import Operation, Parameter, Said, Sent, path, query
from gateway.outcomes import Kind, Outcome, Sort
from gateway.responses.shapes import Count, DeliveryPage, Try, WholeDelivery

__all__ = ["OPERATIONS"]

_ROW: Any = {
    "id": 42,
    "registration_id": "01a2000a118ed7c1571e7df6faad368b",
    "request_id": "b3007c9d372b4fca",
    "shopify_customer_id": "gid://shopify/Customer/7000000000001",
    "channel": "crm",
    "kind": Kind.REGISTRATION,
    "outcome": Outcome.RETRYING,
    "error_class": "timeout",
    "message": "search: no answer in time",
    "reason": None,
    "attempts": 2,
    "adjustments": [],
    "reference": None,
    "created_at": "2026-11-21T09:00:00Z",
    "updated_at": "2026-11-21T09:00:35Z",
    "next_attempt_at": "2026-11-21T09:02:35Z",
}
_PAGE: DeliveryPage = {"deliveries": [_ROW], "next_cursor": "41", "total": 300}
_TRY: Try = {
    "started_at": "2026-11-21T09:00:05Z",
    "duration": 10.0,
    "outcome": Outcome.RETRYING,
    "error_class": ErrorClass.TIMEOUT,
    "message": "search: no answer in time",
    "reason": None,
    "counted": True,
}
_WHOLE: Any = {**_ROW, "tries": [_TRY]}
_COUNT: Count = {"count": 1}
_ID = path("id", "The delivery's number.", "^[0-9]{1,18}$", "42")


_LIST: tuple[Parameter, ...] = (
    query(
        "sort",
        "The order; by `newest` and `oldest` no row is missed, whatever moves meanwhile.",
        {"type": "string", "enum": [*Sort], "default": Sort.NEWEST},
        "oldest",
    ),
    query(
        "limit",
        "How many on a page.",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
        50,
    ),
    query(
        "cursor",
        "The `next_cursor` of the page before.",
        {"type": "string", "pattern": f"^({CURSOR})?$"},
        "41",
    ),
)


class ReplayForm(FilterForm):
    """Which deliveries to send again, and how many at most."""

    limit: int | None = Field(None, ge=1, le=MOST_REPLAYED, description="At most so many.")


OPERATIONS = (
    Operation(
        "get",
        "/v1/deliveries",
        "listDeliveries",
        "Deliveries",
        "List deliveries",
        {200: Said("One page of them.", DeliveryPage, {"page": _PAGE})},
        {422: ("invalid-data",)},
        "Every filter that is given must hold.",
        parameters=_LIST,
        filtered=True,
        key="operator",
    ),
    Operation(
        "post",
        "/v1/deliveries/replay",
        "replayDeliveries",
        "Deliveries",
        "Send many again",
        {202: Said("They are being sent, and go on after this answer.", Count, {"all": _COUNT})},
        {422: ("invalid-data",)},
        "Takes those that can be sent again: retrying, failed, and held ones whose flag is on.",
        sent=Sent(ReplayForm, {"channel": ["crm"], "outcome": ["failed"]}, required=False),
        key="operator",
    ),
    Operation(
        "get",
        "/v1/deliveries/{id}",
        "showDelivery",
        "Deliveries",
        "Show one with its attempts",
        {200: Said("It as it stands.", WholeDelivery, {"one": _WHOLE})},
        {404: ("not-found",)},
        parameters=(_ID,),
        key="operator",
    ),
    Operation(
        "post",
        "/v1/deliveries/{id}/replay",
        "replayDelivery",
        "Deliveries",
        "Send one again",
        {202: Said("It is being sent; 0 if it cannot be sent again.", Count, {"one": _COUNT})},
        {404: ("not-found",)},
        parameters=(_ID,),
        key="operator",
    ),
    Operation(
        "post",
        "/v1/deliveries/{id}/discard",
        "discardDelivery",
        "Deliveries",
        "Give one up",
        {202: Said("It is given up; 0 if it was not open.", Count, {"one": _COUNT})},
        {404: ("not-found",)},
        parameters=(_ID,),
        key="operator",
    ),
)
