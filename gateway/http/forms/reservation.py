"""The JSON of points that a customer wants to spend."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.http.forms.wrong_fields import FormError, wrong_fields

__all__ = ["MOST", "ReservationForm", "read_reservation"]

MOST = 999_999_999


class ReservationForm(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    points: Annotated[
        int,
        Field(gt=0, le=MOST, description="How many; a multiple of the unit that the store sets."),
    ]


def read_reservation(body: dict[str, Any]) -> int:
    """The points, or a FormError."""
    try:
        return ReservationForm.model_validate(body).points
    except ValidationError as error:
        raise FormError(wrong_fields(error)) from None
