"""The shapes of what helps to fill a form; see `shapes`."""

from typing import Annotated, Any, Required

from pydantic import Field
from typing_extensions import TypedDict

from gateway.responses.shapes import FieldError

__all__ = ["AddressParts", "Normalized", "Note", "PostalCode", "Town"]


class Town(TypedDict):
    """Where a postal code is; no town: it is of a whole municipality, a tower or one company."""

    prefecture: str
    city: str
    town: str | None


class PostalCode(TypedDict):
    """A postal code of Japan."""

    postal_code: Annotated[str, Field(pattern="^[0-9]{3}-[0-9]{4}$")]
    places: list[Town]


class AddressParts(TypedDict, total=False):
    """An address, taken apart; empty for what it does not have."""

    prefecture: str
    city: str
    town: str
    block: str
    building: str
    postal_code: str
    smaregi_line: Annotated[str, Field(description="The one line that Smaregi gets.")]
    key: Annotated[str, Field(description="The same for one place, however it is written.")]
    understood: Annotated[bool, Field(description="False: it is passed on as it came.")]
    notes: list[str]


class Note(TypedDict):
    """What a system cannot take as it is."""

    system: str
    field: str
    change: str


class Normalized(AddressParts, total=False):
    """What each system would get. The parts are of a line; of fields they are in `address`."""

    address: AddressParts
    shopify: dict[str, Any]
    smaregi: dict[str, str]
    crm: dict[str, str]
    adjustments: Required[list[Note]]
    errors: Required[list[FieldError]]
