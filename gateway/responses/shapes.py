"""The shapes of what callers get. mypy holds the bodies to them, and the OpenAPI document is made
of them, so there is no second description. They cost nothing at run time: a body is a plain dict.
"""

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict  # pydantic needs it before Python 3.12

from gateway.customer import Gender
from gateway.errors import ErrorClass
from gateway.outcomes import Kind, Outcome
from gateway.wording import TITLES, Code, NoticeCode

__all__ = [
    "AddressShown",
    "Adjustment",
    "Change",
    "Channel",
    "Count",
    "DeliveryPage",
    "DeliveryRow",
    "FieldError",
    "FieldWarning",
    "Health",
    "Points",
    "Problem",
    "ProfileShown",
    "Registration",
    "ReservationList",
    "ReservationShown",
    "ShopifyAction",
    "Try",
    "Valid",
    "WholeDelivery",
]

ShopifyAction = Literal["created", "adopted"]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Gid = Annotated[str, Field(pattern=r"^gid://shopify/Customer/[0-9]+$")]
MemberNumber = Annotated[
    str | None, Field(description="The number on the member card; null if it is not known yet.")
]
Status = Annotated[
    Literal["complete", "partial"],
    Field(description="`partial` if a channel is pending, retrying or failed."),
]


class FieldError(TypedDict):
    """One wrong field."""

    field: Annotated[str, Field(description="Its name; `address.city` is inside the address.")]
    code: Annotated[Code, Field(description="Why it is wrong, for a program.")]
    message: Annotated[str, Field(description="For a person; in Japanese if you ask for it.")]


class Problem(TypedDict, total=False):
    """What went wrong (RFC 9457). A program goes by `type`, a person by `detail`."""

    type: Required[
        Annotated[
            str,
            Field(description="A closed set.", json_schema_extra={"enum": [*sorted(TITLES)]}),
        ]
    ]
    title: Required[str]
    status: Required[Annotated[int, Field(ge=400, le=599)]]
    detail: Required[str]
    errors: Annotated[
        list[FieldError], Field(description="Every wrong field, up to 50.", max_length=50)
    ]
    registration_id: str
    reservation_id: Annotated[int, Field(description="Of the one that is open.")]
    balance: Annotated[int, Field(description="The points that the customer has.")]


class FieldWarning(TypedDict):
    """A value that was changed or not accepted; the customer exists all the same."""

    field: str
    code: NoticeCode
    message: str


class Adjustment(TypedDict):
    """What a channel could not take as it was; never the value."""

    field: str
    change: str


class Channel(TypedDict, total=False):
    """Where one channel stands. What says nothing is left out."""

    outcome: Required[Outcome]
    action: Annotated[
        Literal["created", "linked", "updated", "sent"],
        Field(description="What was done; only of a delivered one."),
    ]
    reference: Annotated[str, Field(description="The record's id there.")]
    error_class: ErrorClass
    message: str
    next_attempt_at: Moment
    adjustments: list[Adjustment]


Channels = Annotated[
    dict[str, Channel], Field(description="By the channel's name: smaregi, crm, email.")
]


class AddressShown(TypedDict):
    """An address; null for what is not told."""

    country: str | None
    postal_code: str | None
    prefecture: Annotated[str | None, Field(description="Of Japan: `東京都`.")]
    city: str | None
    address1: str | None
    address2: str | None


class ProfileShown(TypedDict):
    """A profile in the registration's fields; null for what is not told."""

    email: str | None
    last_name: str | None
    first_name: str | None
    last_kana: str | None
    first_kana: str | None
    phone: str | None
    birth_date: str | None
    gender: Gender
    address: AddressShown | None
    accepts_marketing: Annotated[
        bool | None, Field(description="Null: asked for their consent, and not answered yet.")
    ]
    locale: str | None


class Valid(TypedDict):
    """A sign-up that would be sent: how it would be taken."""

    status: Literal["valid"]
    profile: ProfileShown
    warnings: list[FieldWarning]


class Registration(TypedDict, total=False):
    """A sign-up as it stands. What only Shopify gives is null until Shopify has the customer."""

    id: Required[str]
    status: Required[
        Annotated[
            Literal["complete", "partial", "accepted", "rejected"],
            Field(
                description="`partial` if a channel is pending, retrying or failed. After "
                "`Prefer: respond-async` also `accepted` (it waits for Shopify) and `rejected` "
                "(with the problem)."
            ),
        ]
    ]
    shopify_action: Required[
        Annotated[
            ShopifyAction | None,
            Field(description="`adopted`: Shopify already had this person as a guest."),
        ]
    ]
    shopify_customer_id: Required[Gid | None]
    member_number: Required[MemberNumber]
    warnings: Required[list[FieldWarning]]
    channels: Required[Channels]
    problem: Annotated[Problem, Field(description="Of a rejected one: why.")]


class Change(TypedDict):
    """A changed profile, and where the channels stand."""

    status: Status
    shopify_customer_id: Gid
    member_number: MemberNumber
    warnings: list[FieldWarning]
    channels: Channels


class Points(TypedDict):
    """The balance as Smaregi has it, at most 3 seconds old."""

    points: int
    expires_on: Annotated[
        str | None, Field(json_schema_extra={"format": "date"}, description="Null: no date.")
    ]
    member_number: str


class ReservationShown(TypedDict):
    """Points that a customer spends, as the discount code that they became."""

    id: Annotated[int | None, Field(description="Null under `dry_run`.")]
    state: Annotated[
        Literal["pending", "active", "closing", "used", "released", "refused", "dry_run"],
        Field(description="`pending`: the code is not known yet; ask again."),
    ]
    points: int
    amount: Annotated[int, Field(description="What they are worth.")]
    currency: Literal["JPY"]
    code: Annotated[str | None, Field(description="For the checkout of this customer, once.")]
    expires_at: Moment | None


class ReservationList(TypedDict):
    """The newest first, 20 at most."""

    reservations: list[ReservationShown]


class DeliveryRow(TypedDict):
    """One customer owed to one channel."""

    id: int
    registration_id: str | None
    request_id: Annotated[
        str | None, Field(description="Of the request that it goes back to; find it in the log.")
    ]
    shopify_customer_id: Gid
    channel: str
    kind: Kind
    outcome: Outcome
    error_class: ErrorClass | None
    message: str | None
    reason: Annotated[
        str | None, Field(description="The upstream's own words for its refusal, without values.")
    ]
    attempts: int
    adjustments: list[Adjustment]
    reference: str | None
    created_at: Moment
    updated_at: Moment
    next_attempt_at: Moment | None


class Try(TypedDict):
    """One attempt at a delivery."""

    started_at: Moment
    duration: Annotated[float, Field(ge=0, description="Seconds.")]
    outcome: Outcome
    error_class: ErrorClass | None
    message: str | None
    reason: str | None
    counted: Annotated[bool, Field(description="Whether it used up a try of the schedule.")]


class WholeDelivery(DeliveryRow):
    """A delivery with its attempts, oldest first."""

    tries: list[Try]


class DeliveryPage(TypedDict, total=False):
    """One page of deliveries."""

    deliveries: Required[list[DeliveryRow]]
    next_cursor: Required[
        Annotated[str | None, Field(description="For the next page; null: this was the last.")]
    ]
    total: Annotated[int, Field(description="How many match in all; only with the first page.")]


class Count(TypedDict):
    """How many deliveries it is about."""

    count: Annotated[int, Field(ge=0)]


class Health(TypedDict):
    status: Literal["ok", "ready"]
