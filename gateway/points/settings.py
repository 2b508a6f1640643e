"""POINTS_*"""

import re
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from gateway.settings import Section

__all__ = ["PointsSettings", "rate_of"]

_RATE = re.compile(r"(\d{1,5}(?:\.\d{1,2})?)/(\d{1,5})")


def rate_of(text: str) -> tuple[Fraction, Fraction]:
    """`1/100` -> (points, yen). ValueError for anything else."""
    match = _RATE.fullmatch(text.replace(" ", ""))
    if match is None or Fraction(match[2]) == 0:
        raise ValueError("should be points and yen, such as 1/100")
    return Fraction(match[1]), Fraction(match[2])


def _rate(text: str) -> str:
    rate_of(text)
    return text


class PointsSettings(Section):
    title: ClassVar[str] = "Points online"

    points_store_id: str | None = Field(
        None,
        pattern=r"^\d{1,9}$",
        description="the id of the Smaregi store whose conditions count and that gives the points",
    )
    points_terminal_id: str = Field(
        "999999999", pattern=r"^\d{1,9}$", description="the terminal's id in Smaregi; none has it"
    )
    points_rate: Annotated[str, AfterValidator(_rate)] | None = Field(
        None, description="points and yen, such as 1/100; default the member's or store's own rate"
    )
    points_earn_after: Literal["paid", "fulfilled"] = Field(
        "paid", description="when an order earns: once it is paid, or once it is also fulfilled"
    )
    points_orders: Literal["checkout", "all"] = Field(
        "checkout",
        description="which orders earn: those of the online checkout, or all (also what tills and "
        "other apps write into Shopify)",
    )
    points_claim_days: float = Field(
        30, ge=0, description="days for which a paid order waits for its customer to be a member"
    )

    points_reservation_minutes: float = Field(
        60,
        ge=5,
        le=1440,
        description="minutes for which points that a customer spends online are kept, with their "
        "discount code",
    )

    @property
    def place(self) -> tuple[str, str]:
        """Store and terminal that movements bear."""
        return self.points_store_id or "", self.points_terminal_id

    def missing(self) -> list[str]:
        return self._absent("points_store_id")
