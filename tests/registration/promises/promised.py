"""Promised sign-ups: their problem, others before them, whose turn it is."""

from typing import Any

from tests.registration.desk import PROFILE, Desk

__all__ = ["AGAIN", "others", "problem"]

AGAIN = 1.0
"""Seconds until the next round while some are left."""


def problem(desk: Desk) -> Any:
    found = desk.only.problem
    assert found is not None
    return found


async def others(desk: Desk, number: int) -> None:
    from dataclasses import replace

    from gateway.registration.intent import SignUp

    for each in range(number):
        desk.clock.now += 0.01
        profile = replace(PROFILE, email=f"other{each}@example.com")
        await desk.registrar.register(SignUp(profile, email_verified=False, later=True))
    desk.calls.clear()
