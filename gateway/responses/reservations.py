"""What callers get of points that a customer spends."""

from collections.abc import Sequence

import orjson

from gateway.responses.answer import Answer
from gateway.responses.bodies import iso
from gateway.responses.shapes import ReservationShown
from gateway.store.points import Reservation

__all__ = ["reservation_body", "reservations_body", "reserved", "would_be_reserved"]

_NO_STORE = {"Cache-Control": "no-store"}
_WITHOUT_CODE = {"pending", "refused"}


def _shown(one: Reservation) -> ReservationShown:
    return {
        "id": one.id,
        "state": one.state,
        "points": one.points,
        "amount": one.yen,
        "currency": "JPY",
        "code": None if one.state in _WITHOUT_CODE else one.code,
        "expires_at": iso(one.expires_at),
    }


def reserved(one: Reservation, path: str, *, again: bool) -> Answer:
    """201 with the code, which a repetition gets again, byte for byte; 202 while it is not known.
    `path`: where reservations are asked for.
    """
    headers = {**_NO_STORE, "Location": f"{path}/{one.id}"}
    if again:
        headers["Idempotent-Replayed"] = "true"
    if one.state == "pending":
        return Answer(202, orjson.dumps(_shown(one)), headers)
    made: ReservationShown = {**_shown(one), "state": "active", "code": one.code}
    return Answer(201, orjson.dumps(made), headers)


def would_be_reserved(points: int, yen: int) -> Answer:
    """Under `dry_run`: everything but the code."""
    shown: ReservationShown = {
        "id": None,
        "state": "dry_run",
        "points": points,
        "amount": yen,
        "currency": "JPY",
        "code": None,
        "expires_at": None,
    }
    return Answer(200, orjson.dumps(shown), _NO_STORE)


def reservation_body(one: Reservation) -> Answer:
    return Answer(200, orjson.dumps(_shown(one)), _NO_STORE)


def reservations_body(found: Sequence[Reservation]) -> Answer:
    body = {"reservations": [_shown(each) for each in found]}
    return Answer(200, orjson.dumps(body), _NO_STORE)
