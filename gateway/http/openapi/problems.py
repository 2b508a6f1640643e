"""An example of every problem, made by the code that answers it where that can be.

A problem that is made here and nowhere else does not exist: tests hold the list to the documents,
and every answer of the end-to-end tests to what its call says it may meet.
"""

from collections.abc import Mapping
from functools import cache

import orjson

from gateway.errors import ErrorClass, UpstreamError
from gateway.responses import problems
from gateway.responses.bodies import Answer, problem
from gateway.responses.shapes import Problem
from gateway.shopify import AlreadyRegistered, EmailTaken
from gateway.store.admission import Begun
from gateway.wording import UNAVAILABLE, Detail, Fault

__all__ = ["ANY", "ANY_WITH_BODY", "ANY_WITH_KEY", "NOWHERE", "example"]

Kinds = Mapping[int, tuple[str, ...]]

ANY: Kinds = {
    400: ("bad-request",),
    415: ("unsupported-media-type",),
    500: ("internal-error",),
    503: ("storage-unavailable", "standby", "too-many-connections"),
}
"""What every call may meet."""
ANY_WITH_BODY: Kinds = {400: ("not-json",), 408: ("request-timeout",), 413: ("too-large",)}
ANY_WITH_KEY: Kinds = {401: ("unauthorized",), 403: ("forbidden",)}
NOWHERE = {(405, "method-not-allowed")}
"""What no described call can meet."""

_ID = "01a2000a118ed7c1571e7df6faad368b"


@cache
def example(status: int, kind: str) -> Problem:
    """Its body. KeyError where there is no such problem."""
    return _examples()[status, kind]


@cache
def _examples() -> Mapping[tuple[int, str], Problem]:
    bodies = [orjson.loads(answer.body) for answer in (*_of_registrations(), *_of_others())]
    return {(body["status"], body["type"]): body for body in bodies}


def _of_registrations() -> list[Answer]:
    down = UpstreamError("shopify", "customerSet", ErrorClass.TIMEOUT, "no answer")
    wrong = [Fault.PHONE.at("phone"), Fault.MISSING.at("last_name")]
    reused = problems.answer_at_once(Begun("key_mismatch", _ID))
    busy = problems.answer_at_once(Begun("busy", _ID))
    assert reused is not None and busy is not None  # noqa: S101, PT018 - both verdicts are answers
    return [
        busy,
        reused,
        problems.refused(AlreadyRegistered(7000000000001)),
        problems.change_refused(EmailTaken()),
        problems.shopify_unavailable(down, _ID),
        problems.another_shop(),
        problems.no_room(),
        problems.too_busy(),
        problems.no_storage(),
        problems.unreadable(),
        problem(422, "invalid-data", Detail.FIELDS_WRONG, errors=wrong),
        problem(429, "too-many-requests", Detail.KEY_TOO_OFTEN),
        problem(400, "invalid-client-address", Detail.CLIENT_ADDRESS),
        problem(400, "invalid-idempotency-key", Detail.IDEMPOTENCY_KEY),
    ]


def _of_others() -> list[Answer]:
    no_webhook = Detail.NO_WEBHOOK.text.within(reason="the event's id is missing")
    nobodys = Detail.NOBODYS_WEBHOOK.text.within(setting="SHOPIFY_WEBHOOK_SECRET", name="Shopify")
    return [
        problem(400, "bad-request", Detail.NOT_HTTP),
        problem(400, "not-json", Detail.BODY_NO_OBJECT),
        problem(400, "malformed", no_webhook),
        problem(401, "unauthorized", Detail.BEARER),
        problem(403, "forbidden", Detail.NO_OPERATORS),
        problem(403, "email-not-proven", Detail.NOT_PROVEN),
        problem(404, "not-found", Detail.NO_REGISTRATION),
        problem(404, "no-member", Detail.NO_MEMBER),
        problem(404, "no-card", Detail.NO_CARD),
        problem(404, "spending-off", Detail.SPENDING_OFF),
        problem(409, "insufficient-points", Detail.TOO_FEW_POINTS, balance=120),
        problem(409, "reservation-active", Detail.RESERVATION_ACTIVE, reservation_id=12),
        problem(409, "reservation-used", Detail.RESERVATION_USED),
        problem(405, "method-not-allowed", Detail.OTHER_METHOD),
        problem(408, "request-timeout", Detail.BODY_TOO_SLOW),
        problem(413, "too-large", Detail.BODY_TOO_LARGE),
        problem(415, "unsupported-media-type", Detail.SEND_REGISTRATION),
        problem(500, "internal-error", Detail.BROKEN),
        problem(503, "points-unavailable", UNAVAILABLE["points"][ErrorClass.TIMEOUT]),
        problem(503, "not-accepted", Detail.OTHER_SIDE.text.within(name="Shopify")),
        problem(503, "not-configured", nobodys),
        problem(503, "not-ready", Detail.DATABASE_UNFIT.text.within(hint="make room on the disk")),
        problem(503, "standby", Detail.STANDBY, retry_after=1),
        problem(503, "too-many-connections", Detail.CONNECTIONS_FULL),
    ]
