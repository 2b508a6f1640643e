"""A sign-up that is unclear, and a clock for recovery."""

from typing import Any

from gateway.customer import Customer
from tests.delivery.heart import TARO
from tests.registration.desk import PROFILE, Desk, down

__all__ = ["AGAIN", "Moment", "found", "unclear"]

AGAIN = 1.0
"""Seconds until the next round while some are left."""


class Moment:
    """Monotonic time that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def unclear(desk: Desk) -> str:
    desk.master.ends = [down()]
    await desk.sign_up()
    desk.calls.clear()
    return desk.only.id


def found(desk: Desk, registration_id: str, **more: Any) -> Customer:
    return Customer(TARO, PROFILE, registration_id, **more)
