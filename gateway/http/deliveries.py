"""The outbox over HTTP: list, replay, discard."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web

from gateway.customer import numeric_id
from gateway.delivery import ReplayOptions
from gateway.errors import ErrorClass
from gateway.http.forms.registration import FormError, NotJsonError, parse_json, shown_name
from gateway.http.keys import CORE
from gateway.http.middleware import read_body, respond
from gateway.outcomes import Delivery, DeliveryFilter, Kind, Outcome, Sort
from gateway.responses.bodies import Answer, delivery_row, problem
from gateway.store import outbox, search
from gateway.wording import Detail, Fault, FieldError

__all__ = ["number", "read_cursor", "read_filter", "read_sort", "routes", "wrong_filter"]

routes = web.RouteTableDef()

_PAGED = frozenset({"limit", "cursor", "sort"})
_LIMITED = frozenset({"limit"})
_DEFAULT_LIMIT, _LARGEST_LIMIT = 100, 1000


def read_filter(
    values: Mapping[str, Any], channels: tuple[str, ...], also: frozenset[str]
) -> DeliveryFilter:
    """A filter from a query or a JSON body; FormError names what is wrong.

    `also` are fields beside the filter's own that this call takes; any other is an error.
    """
    errors: list[FieldError] = []

    def closed(name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        chosen = _texts(values.get(name))
        if any(text not in allowed for text in chosen):
            errors.append(Fault.CHOICE.at(name, choices=", ".join(allowed)))
            return ()
        return chosen

    def moment(name: str) -> float | None:
        text = values.get(name)
        if text is None or text == "":
            return None
        try:
            return _moment(text)
        except (TypeError, ValueError):
            errors.append(Fault.MOMENT.at(name))
            return None

    chosen = DeliveryFilter(
        channels=closed("channel", channels),
        outcomes=tuple(Outcome(o) for o in closed("outcome", tuple(Outcome))),
        error_classes=tuple(ErrorClass(c) for c in closed("error_class", tuple(ErrorClass))),
        ids=_ids(values.get("id"), errors),
        since=moment("since"),
        until=moment("until"),
        customer_id=_customer(values.get("customer"), errors),
        registration_id=str(values["registration"]) if values.get("registration") else None,
        kinds=tuple(Kind(k) for k in closed("kind", tuple(Kind))),
        reason=None if values.get("reason") is None else str(values["reason"]),
    )
    known = _FILTERS | also
    errors += [Fault.UNKNOWN_FIELD.at(shown_name(name)) for name in values if name not in known]
    if errors:
        raise FormError(errors)
    return chosen


_FILTERS = frozenset(
    {
        *("channel", "outcome", "error_class", "id", "since", "until"),
        *("customer", "registration", "kind", "reason"),
    }
)


def _customer(value: Any, errors: list[FieldError]) -> int | None:
    if value is None or value == "":
        return None
    try:
        return numeric_id(str(value))
    except ValueError:
        errors.append(Fault.CUSTOMER_ID.at("customer"))
        return None


def _texts(value: Any) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    items = value if isinstance(value, list) else str(value).split(",")
    return tuple(str(item).strip() for item in items)


def _ids(value: Any, errors: list[FieldError]) -> tuple[int, ...]:
    texts = _texts(value)
    if any(not (t.isascii() and t.isdigit() and len(t) < 19) for t in texts):
        errors.append(Fault.DELIVERY_IDS.at("id"))
        return ()
    return tuple(int(text) for text in texts)


def _moment(text: str) -> float:
    """A time with its offset, or a date or time in UTC."""
    when = datetime.fromisoformat(text)
    return when.timestamp() if when.tzinfo else when.replace(tzinfo=_UTC).timestamp()


_UTC = datetime.fromisoformat("1970-01-01T00:00:00+00:00").tzinfo


def number(values: Mapping[str, Any], name: str, default: int, largest: int) -> int:
    given = values.get(name)
    text = "" if isinstance(given, bool) else str(default if given is None else given)
    digits = text.isascii() and text.isdigit() and len(text) < 20
    if not digits or not 0 < int(text) <= largest:
        raise FormError([Fault.NUMBER.at(name, largest=largest)])
    return int(text)


def wrong_filter(error: FormError) -> web.Response:
    return respond(problem(422, "invalid-data", Detail.FILTERS_WRONG, errors=error.errors))


@routes.get("/v1/deliveries")
async def list_deliveries(request: web.Request) -> web.Response:
    core = request.app[CORE]
    try:
        chosen = read_filter(request.query, tuple(core.deliverer.routes), _PAGED)
        limit = number(request.query, "limit", _DEFAULT_LIMIT, _LARGEST_LIMIT)
        sort, after = read_sort(request.query), read_cursor(request.query.get("cursor"))
    except FormError as error:
        return wrong_filter(error)
    rows, more = await search.page(core.db, chosen, sort, after, limit)
    body: dict[str, Any] = {"deliveries": [delivery_row(row) for row in rows], "next_cursor": more}
    if after is None:
        body["total"] = await search.count(core.db, chosen)
    return respond(Answer(200, orjson.dumps(body)))


def read_sort(values: Mapping[str, Any]) -> Sort:
    try:
        return Sort(values.get("sort") or Sort.NEWEST)
    except ValueError:
        raise FormError([Fault.CHOICE.at("sort", choices=", ".join(Sort))]) from None


_PLACE = re.compile(r"(?:\d{1,20}(?:\.\d{1,20})?:)?\d{1,18}", re.ASCII)


def read_cursor(text: str | None) -> str | None:
    if text and not _PLACE.fullmatch(text):
        raise FormError([Fault.CURSOR.at("cursor")])
    return text or None


@routes.post("/v1/deliveries/replay")
async def replay_many(request: web.Request) -> web.Response:
    core = request.app[CORE]
    raw = await read_body(request)
    try:
        body = parse_json(raw) if raw.strip() else {}
        chosen = read_filter(body, tuple(core.deliverer.routes), _LIMITED)
        limit = number(body, "limit", 1, 2**31) if body.get("limit") is not None else None
    except NotJsonError as error:
        return respond(problem(400, "not-json", error.detail))
    except FormError as error:
        return wrong_filter(error)
    return await _replay(core, ReplayOptions(chosen, limit=limit))


async def _replay(core: Any, options: ReplayOptions) -> web.Response:
    """202 once the run has begun; it goes on after the answer."""
    run = core.replay.run(options)
    start = await anext(run)

    async def rest() -> None:
        async for _ in run:
            pass

    core.runtime.background.keep(rest(), "replay")
    return respond(Answer(202, orjson.dumps({"count": start["total"]})))


async def _one(request: web.Request) -> Delivery | None:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    delivery_id = int(text)
    return await request.app[CORE].db.read(lambda db: outbox.get(db, delivery_id))


def _missing() -> web.Response:
    return respond(problem(404, "not-found", Detail.NO_DELIVERY))


@routes.post("/v1/deliveries/{id}/replay")
async def replay_one(request: web.Request) -> web.Response:
    delivery = await _one(request)
    if delivery is None:
        return _missing()
    options = ReplayOptions(DeliveryFilter(ids=(delivery.id,)))
    return await _replay(request.app[CORE], options)


@routes.post("/v1/deliveries/{id}/discard")
async def discard(request: web.Request) -> web.Response:
    delivery = await _one(request)
    if delivery is None:
        return _missing()
    count = await request.app[CORE].discard([delivery.id])
    return respond(Answer(202, orjson.dumps({"count": count})))
